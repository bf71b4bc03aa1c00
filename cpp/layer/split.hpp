// How a call is divided over a team: by sequences, by directions or by layers, without a barrier between steps, or by
// units, with one a stage.
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
  Split side_by_side;         // directions or layers
  Index passes;               // how many of them may be members' own; 1: none
};

// Below so many sequences two directions side by side are quicker than two halves of the batch: each of their products
// has all rows to share what it reads. Not with more bytes of weights than these: both directions' stay in no cache.
constexpr Index batch_worth_dividing = 16;
constexpr double directions_side_by_side = 1 << 19;
// Layers hand every output from one processor to the other: more than these bytes of weights are better divided by
// units, and over fewer steps they would wait for each other too long.
constexpr double layers_side_by_side = 100 << 10;
constexpr Index steps_worth_following = 8;

struct Plan {
  int members;
  Split split;
  Index passes = 1;  // directions or layers, where they are divided
};

inline bool worth_side_by_side(int threads, const Work& work, Index batch, bool step_is_large) {
  if (work.passes == 1) return false;
  if (work.side_by_side == Split::directions)
    return work.recurrent_bytes <= directions_side_by_side && batch < (threads == 2 ? batch_worth_dividing : threads);
  // Members with fewer layers than others come to wait: that is worth it where nothing else can be divided.
  if (work.passes % threads != 0) return batch == 1 && !step_is_large;
  return work.recurrent_bytes <= layers_side_by_side && batch <= 2 * threads;
}

inline Plan plan(int threads, const Work& work, Index batch) {
  if (threads == 1 || batch == 0 || work.multiply_adds < work_worth_a_team) return {1, Split::sequences};
  const bool step_is_large = work.step_multiply_adds * static_cast<double>(batch) >= step_worth_dividing;
  if (worth_side_by_side(threads, work, batch, step_is_large))
    return {static_cast<int>(std::min<Index>(threads, work.passes)), work.side_by_side, work.passes};
  if (step_is_large && (batch < 2 * threads || work.recurrent_bytes > weights_worth_dividing))
    return {threads, Split::units};
  return {static_cast<int>(std::min<Index>(threads, batch)), Split::sequences};
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

// Runs work(part, scratch, shared) on a team that divides it as planned: member_bytes(sequences) of scratch for each
// member, `shared_bytes` for all, or for each where they run passes of their own. Where there are no shared bytes,
// `shared` is the first member's scratch if the units are divided, and the member's own if not. A call that is stopped
// throws Stopped.
template <class MemberBytes, class Run>
void on_team(const Plan& wanted, const Schedule& schedule, const MemberBytes& member_bytes, Index shared_bytes,
             const Run& run) {
  Pool::trim();
  Team team(wanted.members);
  Stop stop;
  for (bool done = false; !done;) {
    const Split split = team.size() > 1 ? wanted.split : Split::sequences;
    const bool whole_batch = split != Split::sequences || team.size() == 1;
    const auto bounds = whole_batch ? std::vector<Index>{} : split_batch(schedule, team.size());
    const auto part_of = [&](std::size_t i) {
      Part part;
      part.split = split;
      part.begin = whole_batch ? 0 : bounds[i];
      part.end = whole_batch ? schedule.batch() : bounds[i + 1];
      return part;
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
    const Index together = round_up(shared_bytes, alignment);
    Arena of_all;
    const bool by_passes = part_of(0).by_passes();
    of_all.take<std::byte>(together, by_passes ? team.size() : 1);
    const Buffer<std::byte> shared(of_all.used());
    std::vector<Progress> progress(split == Split::layers ? static_cast<std::size_t>(wanted.passes) : 0);
    done = team.run([&](const Member& member) {
      Part part = part_of(static_cast<std::size_t>(member.index));
      Watch watch(stop, member.index == 0);
      part.member = member;
      part.watch = &watch;
      part.progress = progress.data();
      std::byte* const own = scratch.get() + member.index * each;
      std::byte* const common = part.by_units() ? scratch.get() : own;
      const Index place = by_passes ? member.index * together : 0;
      run(part, own, shared_bytes > 0 ? shared.get() + place : common);
    });
  }
  if (stop.wanted()) throw Stopped{};
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
