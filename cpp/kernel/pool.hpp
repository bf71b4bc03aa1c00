// Large blocks of memory, kept for the next calls instead of given back: for the system to clear them page by page took
// a twentieth of a large layer's training step. They lie in huge pages where the system has them.
#pragma once

#include <algorithm>
#include <atomic>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "../math/base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {

constexpr Index alignment = 64;  // a cache line, and the widest packet

// Without a lock, which a fork could leave locked: a block is whose exchange takes it out of its slot.
class Pool {
 public:
  static void* take(Index bytes) {
    if (bytes < least) return allocate(bytes, alignment);
    for (auto& slot : slots) {
      Block* const block = slot.exchange(nullptr, std::memory_order_acquire);
      if (!block) continue;
      const Index size = block->bytes;
      if (size >= bytes && size / 2 <= bytes) {
        kept.fetch_sub(size, std::memory_order_relaxed);
        return block;
      }
      keep(block);
    }
    void* const fresh = allocate(round_up(bytes, page), page);
#if defined(__linux__)
    madvise(fresh, static_cast<std::size_t>(round_up(bytes, page)), MADV_HUGEPAGE);
#endif
    return fresh;
  }

  // Once a call: what the last `calls_kept` calls have not used goes back.
  static void trim() noexcept {
    const Index now = call.fetch_add(1, std::memory_order_relaxed);
    if (kept.load(std::memory_order_relaxed) == 0) return;
    for (auto& slot : slots)
      if (Block* const block = slot.exchange(nullptr, std::memory_order_acquire)) {
        if (now - block->call < calls_kept)
          keep(block);
        else
          drop(block);
      }
  }

  static void give(void* data, Index bytes) noexcept {
    if (!data) return;
    if (bytes < least) return release(data, alignment);
    const Index size = round_up(bytes, page);
    if (kept.fetch_add(size, std::memory_order_relaxed) + size > most) {
      kept.fetch_sub(size, std::memory_order_relaxed);
      return release(data, page);
    }
#if defined(__linux__)
    // The system may have the pages when it needs them; all but the first, which says how large the block is.
    if (size > page) madvise(static_cast<std::byte*>(data) + page, static_cast<std::size_t>(size - page), MADV_FREE);
#endif
    keep(new (data) Block{size, call.load(std::memory_order_relaxed)});
  }

 private:
  struct Block {
    Index bytes, call;  // the number of the call that gave it
  };

  static constexpr Index page = Index{2} << 20;   // a huge one
  static constexpr Index least = Index{1} << 20;  // below it malloc keeps what it is given
  static constexpr Index most = Index{256} << 20;
  static constexpr Index calls_kept = 16;

  static void* allocate(Index bytes, Index align) {
    return ::operator new(static_cast<std::size_t>(bytes), std::align_val_t{static_cast<std::size_t>(align)});
  }
  static void release(void* data, Index align) noexcept {
    ::operator delete(data, std::align_val_t{static_cast<std::size_t>(align)});
  }
  static void keep(Block* block) noexcept {
    for (auto& slot : slots) {
      Block* none = nullptr;
      if (slot.compare_exchange_strong(none, block, std::memory_order_release, std::memory_order_relaxed)) return;
    }
    drop(block);
  }
  static void drop(Block* block) noexcept {
    kept.fetch_sub(block->bytes, std::memory_order_relaxed);
    release(block, page);
  }

  inline static std::atomic<Block*> slots[16] = {};
  inline static std::atomic<Index> kept{0}, call{0};
};

}  // namespace GATEWISE_ISA
}  // namespace gatewise
