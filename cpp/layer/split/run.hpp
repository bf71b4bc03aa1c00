// Runs a call on a team of threads that divides it as planned.
#pragma once

#include <vector>

#include "../../kernel/arena.hpp"
#include "../base/schedule.hpp"
#include "plan.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

// Divides the batch so that every member has about the same number of rows: member i has the sequences
// [bounds[i], bounds[i + 1]).
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

// Calls run(share, own, common) on every member of a team, with two pieces of scratch memory. `own` belongs to the
// member and has member_bytes(sequences) bytes. `common` has common_bytes bytes and is shared by all members, unless
// members have passes of their own: then each member has one. With common_bytes = 0, `common` is the `own` of the first
// member if units are divided, and else that of the member itself. Throws Stopped if the call is interrupted.
template <class MemberBytes, class Run>
void run_on_team(const Plan& plan, const Schedule& schedule, const MemberBytes& member_bytes, Index common_bytes,
                 const Run& run) {
  Pool::trim();
  Team team(plan.members);
  Stop stop;
  for (bool done = false; !done;) {
    const Split split = team.size() > 1 ? plan.split : Split::batch;
    const bool whole_batch = split != Split::batch || team.size() == 1;
    const auto bounds = whole_batch ? std::vector<Index>{} : split_batch(schedule, team.size());
    const auto share_of = [&](std::size_t i) {
      Share share;
      share.split = split;
      share.begin = whole_batch ? 0 : bounds[i];
      share.end = whole_batch ? schedule.batch() : bounds[i + 1];
      return share;
    };
    // The largest share does not always need the most: a smaller one may take more steps at once.
    Index each = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(team.size()); ++i)
      each = std::max(each, member_bytes(share_of(i).sequences()));
    Arena own_arena, common_arena;
    own_arena.take<std::byte>(each, team.size());
    const Buffer<std::byte> own(own_arena.used());
    const Index common_each = round_up(common_bytes, alignment);
    const bool own_passes = share_of(0).has_own_passes();
    common_arena.take<std::byte>(common_each, own_passes ? team.size() : 1);
    const Buffer<std::byte> common(common_arena.used());
    std::vector<Progress> progress(split == Split::layers ? static_cast<std::size_t>(plan.passes) : 0);
    done = team.run([&](const Member& member) {
      Share share = share_of(static_cast<std::size_t>(member.index));
      Watch watch(stop, member.index == 0);
      share.member = member;
      share.watch = &watch;
      share.progress = progress.data();
      std::byte* const mine = own.get() + member.index * each;
      std::byte* const first = share.divides_units() ? own.get() : mine;
      const Index place = own_passes ? member.index * common_each : 0;
      run(share, mine, common_bytes > 0 ? common.get() + place : first);
    });
  }
  if (stop.wanted()) throw Stopped{};
}

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
