// Keeps large blocks of memory for later calls instead of freeing them. Without this, the system clears the pages of
// new blocks, which took a twentieth of the time of a large layer's training step. Blocks use huge pages where
// available.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "../math/base.hpp"

namespace gatewise {
inline namespace GATEWISE_ISA {
namespace detail {

constexpr Index alignment = 64;  // the size of a cache line and of the widest packet

// The pool has no lock, because a fork could leave it locked. A thread owns a block once its atomic exchange has taken
// the block out of its slot.
class Pool {
 public:
  static void* take(Index bytes) {
    if (bytes < least) return small(bytes);
    const Index size = large(bytes);
    for (auto& slot : slots) {
      Block* const block = slot.exchange(nullptr, std::memory_order_acquire);
      if (!block) continue;
      if (block->bytes == size) {
        kept.fetch_sub(size, std::memory_order_relaxed);
        return block;
      }
      keep(block);
    }
    void* const fresh = ::operator new(static_cast<std::size_t>(size), std::align_val_t{page});
#if defined(__linux__)
    madvise(fresh, static_cast<std::size_t>(size), MADV_HUGEPAGE);
#endif
    return fresh;
  }

  // To be called once per call of a layer: frees blocks that the last `calls_kept` calls have not used.
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
    if (bytes < least) return ::operator delete(static_cast<void**>(data)[-1]);
    const Index size = large(bytes);
    if (kept.fetch_add(size, std::memory_order_relaxed) + size > most) {
      kept.fetch_sub(size, std::memory_order_relaxed);
      return release(data);
    }
#if defined(__linux__)
    // The system may take the pages when it needs memory, except the first page, which holds the block's size.
    if (size > page) madvise(static_cast<std::byte*>(data) + page, static_cast<std::size_t>(size - page), MADV_FREE);
#endif
    keep(new (data) Block{size, call.load(std::memory_order_relaxed)});
  }

 private:
  struct Block {
    Index bytes, call;  // its size, and the number of the call that returned it
  };

  static constexpr Index page = Index{2} << 20;   // the size of a huge page
  static constexpr Index least = Index{1} << 20;  // malloc keeps smaller blocks itself
  static constexpr Index most = Index{256} << 20;
  static constexpr Index calls_kept = 16;

  // The size of a large block, rounded up by at most a quarter, so that calls with similar sizes use the same blocks.
  static Index large(Index bytes) {
    Index step = page;
    while (step < bytes / 8) step *= 2;
    return round_up(bytes, step);
  }

  // Aligns the block itself, and stores malloc's address before it. This is three times as fast as aligned allocation
  // by malloc.
  static void* small(Index bytes) {
    void* const whole = ::operator new(static_cast<std::size_t>(bytes + alignment));
    const auto address = reinterpret_cast<std::uintptr_t>(whole);
    auto** const aligned = reinterpret_cast<void**>((address / alignment + 1) * alignment);
    aligned[-1] = whole;
    return aligned;
  }
  static void release(void* data) noexcept { ::operator delete(data, std::align_val_t{page}); }
  static void keep(Block* block) noexcept {
    for (auto& slot : slots) {
      Block* none = nullptr;
      if (slot.compare_exchange_strong(none, block, std::memory_order_release, std::memory_order_relaxed)) return;
    }
    drop(block);
  }
  static void drop(Block* block) noexcept {
    kept.fetch_sub(block->bytes, std::memory_order_relaxed);
    release(block);
  }

  inline static std::atomic<Block*> slots[16] = {};
  inline static std::atomic<Index> kept{0}, call{0};
};

}  // namespace detail
}  // namespace GATEWISE_ISA
}  // namespace gatewise
