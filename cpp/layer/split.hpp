// How a call is divided over a team: each member its own sequences.
#pragma once

#include <vector>

#include "../kernel/arena.hpp"
#include "../kernel/team.hpp"
#include "schedule.hpp"
#include "sequence.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

// Below this many multiply-adds a second thread costs more than it brings.
constexpr double work_worth_a_team = 1e6;

// Cuts the batch so that every member has about the same number of rows.
inline Bounds split_batch(const Schedule& schedule, int members) {
  const Index batch = schedule.batch();
  Bounds bounds{0};
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

// Runs work(member, bounds, scratch, shared) on a team that suits the work: member_bytes(share of the batch) of
// scratch for each member, `shared_bytes` for all.
template <class MemberBytes, class Work>
void on_team(int threads, double multiply_adds, const Schedule& schedule, const MemberBytes& member_bytes,
             Index shared_bytes, const Work& work) {
  const Index useful = multiply_adds < work_worth_a_team ? 1 : std::min<Index>(threads, schedule.batch());
  Team team(static_cast<int>(useful));
  const Buffer<std::byte> shared(shared_bytes);
  for (bool done = false; !done;) {
    const Bounds bounds = split_batch(schedule, team.size());
    // Not the largest share's alone: a smaller one may take more steps at once.
    Index each = 0;
    for (std::size_t i = 1; i < bounds.size(); ++i) each = std::max(each, member_bytes(bounds[i] - bounds[i - 1]));
    const Buffer<std::byte> scratch(each * team.size());
    done = team.run(
        [&](const Member& member) { work(member, bounds, scratch.get() + member.index * each, shared.get()); });
  }
}

}  // namespace GATEWISE_ISA
}  // namespace gatewise
