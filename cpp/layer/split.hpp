// How a call is divided over a team: by sequences, without a barrier between steps, or by units, with one a stage.
#pragma once

#include <vector>

#include "../kernel/arena.hpp"
#include "../kernel/team.hpp"
#include "part.hpp"
#include "schedule.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Below this many multiply-adds a call is faster on one thread, and below this many a step on undivided units, whose
// members meet in every step.
constexpr double work_worth_a_team = 2.5e5;
constexpr double step_worth_dividing = 2.5e4;
// Recurrent weights of more bytes than this do not stay in one processor's cache: better each its own half of them.
constexpr double weights_worth_dividing = 1 << 20;

// What a call costs, and how it may be divided.
struct Work {
  double multiply_adds;       // of the whole call, the cells' own arithmetic counted in
  double step_multiply_adds;  // of one step of one layer and direction, for one sequence
  double recurrent_bytes;     // that every step of one layer reads
};

// How the members divide a call: sequences [bounds[i], bounds[i + 1]) each, or the units of all sequences.
struct Plan {
  int members;
  bool by_units;
};

inline Plan plan(int threads, const Work& work, Index batch) {
  if (threads == 1 || batch == 0 || work.multiply_adds < work_worth_a_team) return {1, false};
  const bool step_is_large = work.step_multiply_adds * static_cast<double>(batch) >= step_worth_dividing;
  if (step_is_large && (batch < 2 * threads || work.recurrent_bytes > weights_worth_dividing)) return {threads, true};
  return {static_cast<int>(std::min<Index>(threads, batch)), false};
}

// Cuts the batch so that every member has about the same number of rows: where the parts begin, and where the last
// ends.
inline std::vector<Index> split_batch(const Schedule& schedule, int members) {
  const Index batch = schedule.batch();
  std::vector<Index> bounds{0};
  if (schedule.dense()) {
    for (int i = 1; i <= members; ++i) bounds.push_back(batch * i / members);
    return bounds;
  }
  std::vector<Index> rows(static_cast<std::size_t>(batch), 0);
  for (Index row = 0; row < schedule.rows(); ++row) ++rows[static_cast<std::size_t>(schedule.sequence(row))];
  Index b = 0, taken = 0;
  for (int i = 1; i < members; ++i) {
    while (b < batch && taken * members < schedule.rows() * i) taken += rows[static_cast<std::size_t>(b++)];
    bounds.push_back(b);
  }
  bounds.push_back(batch);
  return bounds;
}

// Runs work(part, scratch, shared) on a team that suits the work: member_bytes(sequences) of scratch for each member,
// `shared_bytes` for all. Where there are no shared bytes, `shared` is the first member's scratch if the units are
// divided, and the member's own if not. A call that is stopped throws Stopped.
template <class MemberBytes, class Run>
void on_team(int threads, const Work& work, const Schedule& schedule, const MemberBytes& member_bytes,
             Index shared_bytes, const Run& run) {
  Pool::trim();
  const Plan wanted = plan(threads, work, schedule.batch());
  Team team(wanted.members);
  Stop stop;
  const Buffer<std::byte> shared(shared_bytes);
  for (bool done = false; !done;) {
    const bool by_units = wanted.by_units && team.size() > 1;
    // By units, and alone, everybody has all sequences.
    const auto bounds = by_units || team.size() == 1 ? std::vector<Index>{} : split_batch(schedule, team.size());
    const auto part_of = [&](std::size_t i) {
      return bounds.empty() ? Part{{}, by_units, 0, schedule.batch()} : Part{{}, false, bounds[i], bounds[i + 1]};
    };
    // Not the largest part's alone: a smaller one may take more steps at once.
    Index each = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(team.size()); ++i) {
      const Part part = part_of(i);
      each = std::max(each, member_bytes(part.end - part.begin));
    }
    Arena whole;
    whole.take<std::byte>(each, team.size());
    const Buffer<std::byte> scratch(whole.used());
    done = team.run([&](const Member& member) {
      Part part = part_of(static_cast<std::size_t>(member.index));
      Watch watch(stop, member.index == 0);
      part.member = member;
      part.watch = &watch;
      std::byte* const own = scratch.get() + member.index * each;
      run(part, own, shared_bytes > 0 ? shared.get() : by_units ? scratch.get() : own);
    });
  }
  if (stop.wanted()) throw Stopped{};
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
