// Large blocks of memory, kept for the next calls instead of given back: for the system to clear them page by page took
// a twentieth of a large layer's training step. They lie in huge pages where the system has them.
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

constexpr Index alignment = 64;  // a cache line, and the widest packet

// Without a lock, which a fork could leave locked: a block is whose exchange takes it out of its slot.
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
    if (bytes < least) return ::operator delete(static_cast<void**>(data)[-1]);
    const Index size = large(bytes);
    if (kept.fetch_add(size, std::memory_order_relaxed) + size > most) {
      kept.fetch_sub(size, std::memory_order_relaxed);
      return release(data);
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

  static constexpr Index page = Index{2} << 20;   // a huge one's
  static constexpr Index least = Index{1} << 20;  // below it malloc keeps what it is given
  static constexpr Index most = Index{256} << 20;
  static constexpr Index calls_kept = 16;

  // A large block's size, rounded up by a quarter at most: so calls of nearly the same sizes use the same blocks.
  static Index large(Index bytes) {
    Index step = page;
    while (step < bytes / 8) step *= 2;
    return round_up(bytes, step);
  }

  // Aligned by hand, with malloc's address in front: three times as quick as to ask malloc for it.
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

}  // namespace GATEWISE_ISA
}  // namespace gatewise
