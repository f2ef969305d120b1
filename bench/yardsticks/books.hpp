// Whole books, order by order: what edgebook's engine is measured against. A queue (linked list)
// for each price level, orders in an open-addressing table by their 64-bit id, levels of a side in a
// sorted array whose best stands at the back. After each message the best bid and offer of its book
// is compared with what it was, and a change is folded into a digest, so that both sides of a
// comparison prove that they built the same books.
#pragma once
#include <vector>

#include "wire.hpp"

struct Order {
  u32 size, level, previous, next;
};
struct Level {
  u64 size;
  u32 price, head, tail, orders, book;
};
struct PricedLevel {
  u32 rank, level;  // the best has the highest rank
};
struct Best {
  u32 bidPrice, bidSize, askPrice, askSize;
};

/// Slot of an order by id; 0 is none. Linear probing, deletion by backward shift.
class OrderTable {
 public:
  std::vector<Order> orders;

  OrderTable() : orders(1), entries_(1 << 21), mask_((1 << 21) - 1) {
    orders.reserve(1 << 21);
    free_.reserve(1 << 20);
  }

  u32 find(u64 id) const {
    for (u64 at = home(id);; at = (at + 1) & mask_) {
      if (__builtin_expect(entries_[at].id == id, 1)) return entries_[at].slot;
      if (entries_[at].id == 0) return 0;
    }
  }

  u32 add(u64 id) {
    if (live_ * 2 > mask_) grow();
    u32 slot;
    if (free_.empty()) {
      slot = orders.size();
      orders.push_back({});
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    put(id, slot);
    live_++;
    return slot;
  }

  void remove(u64 id, u32 slot) {
    free_.push_back(slot);
    live_--;
    u64 hole = home(id);
    while (entries_[hole].id != id) hole = (hole + 1) & mask_;
    for (u64 at = (hole + 1) & mask_; entries_[at].id != 0; at = (at + 1) & mask_) {
      u64 distance = (at - home(entries_[at].id)) & mask_;
      if (distance < ((at - hole) & mask_)) continue;
      entries_[hole] = entries_[at];
      hole = at;
    }
    entries_[hole].id = 0;
  }

  /// Loads the place where the id would stand, without waiting for it.
  void soon(u64 id) const { __builtin_prefetch(&entries_[home(id)]); }

  u64 live() const { return live_; }

 private:
  struct Entry {
    u64 id;
    u32 slot;
  };
  std::vector<Entry> entries_;
  u64 mask_;
  std::vector<u32> free_;
  u64 live_ = 0;

  u64 home(u64 id) const { return ((id * 0x9E3779B97F4A7C15ull) >> 20) & mask_; }

  void put(u64 id, u32 slot) {
    u64 at = home(id);
    while (entries_[at].id != 0) at = (at + 1) & mask_;
    entries_[at] = {id, slot};
  }

  void grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    mask_ = entries_.size() - 1;
    for (const Entry& entry : old)
      if (entry.id != 0) put(entry.id, entry.slot);
  }
};

/// Prices are compared as 32-bit words, signed ones with their sign bit turned over by the caller.
class Books {
 public:
  u64 changes = 0;
  u64 unknown = 0;
  u32 digest = 2166136261u;

  Books(u32 books, u32 priceTurn) : sides_(books * 2), best_(books), turn_(priceTurn) {
    levels_.reserve(1 << 20);
  }

  u64 live() const { return table_.live(); }

  void soon(u64 id) const { table_.soon(id); }

  void add(u64 id, u32 book, bool isBuy, u32 size, u32 price) {
    u32 level = levelAt(book * 2 + isBuy, price ^ turn_);
    u32 slot = table_.add(id);
    append(slot, level, size);
  }

  u32 find(u64 id) const { return table_.find(id); }

  u32 bookOf(u32 slot) const { return levels_[table_.orders[slot].level].book; }

  void remove(u64 id, u32 slot) {
    leave(slot);
    table_.remove(id, slot);
  }

  void reduce(u64 id, u32 slot, u32 size) {
    Order& order = table_.orders[slot];
    if (size >= order.size) return remove(id, slot);
    order.size -= size;
    levels_[order.level].size -= size;
  }

  /// A smaller size at the same price keeps its place in the queue; all else goes to the back.
  void modify(u32 slot, u32 book, bool isBuy, u32 size, u32 price) {
    Order& order = table_.orders[slot];
    Level& level = levels_[order.level];
    if (level.book == book * 2 + isBuy && level.price == (price ^ turn_) && size <= order.size) {
      level.size -= order.size - size;
      order.size = size;
      return;
    }
    leave(slot);
    append(slot, levelAt(book * 2 + isBuy, price ^ turn_), size);
  }

  void fold(u32 book, u32 number) {
    Best now = {0, 0, 0, 0};
    if (const auto& bids = sides_[book * 2 + 1]; !bids.empty()) {
      const Level& level = levels_[bids.back().level];
      now.bidPrice = level.price ^ turn_;
      now.bidSize = level.size;
    }
    if (const auto& asks = sides_[book * 2]; !asks.empty()) {
      const Level& level = levels_[asks.back().level];
      now.askPrice = level.price ^ turn_;
      now.askSize = level.size;
    }
    Best& last = best_[book];
    if (memcmp(&now, &last, sizeof now) == 0) return;
    last = now;
    changes++;
    for (u32 word : {number, now.bidPrice, now.bidSize, now.askPrice, now.askSize})
      digest = (digest ^ word) * 16777619u;
  }

 private:
  OrderTable table_;
  std::vector<Level> levels_;
  std::vector<u32> freeLevels_;
  std::vector<std::vector<PricedLevel>> sides_;
  std::vector<Best> best_;
  u32 turn_;

  /// Bids stand in odd sides: the best of both is the highest rank.
  static u32 rankOf(u32 side, u32 price) { return side & 1 ? price : ~price; }

  u32 levelAt(u32 side, u32 price) {
    auto& levels = sides_[side];
    u32 rank = rankOf(side, price);
    size_t at = levels.size();
    while (at > 0 && levels[at - 1].rank > rank) at--;
    if (at > 0 && levels[at - 1].rank == rank) return levels[at - 1].level;
    u32 level;
    if (freeLevels_.empty()) {
      level = levels_.size();
      levels_.push_back({});
    } else {
      level = freeLevels_.back();
      freeLevels_.pop_back();
    }
    levels_[level] = {0, price, 0, 0, 0, side};
    levels.insert(levels.begin() + at, {rank, level});
    return level;
  }

  void append(u32 slot, u32 at, u32 size) {
    Level& level = levels_[at];
    table_.orders[slot] = {size, at, level.tail, 0};
    if (level.tail) table_.orders[level.tail].next = slot;
    else level.head = slot;
    level.tail = slot;
    level.size += size;
    level.orders++;
  }

  void leave(u32 slot) {
    const Order order = table_.orders[slot];
    Level& level = levels_[order.level];
    if (order.previous) table_.orders[order.previous].next = order.next;
    else level.head = order.next;
    if (order.next) table_.orders[order.next].previous = order.previous;
    else level.tail = order.previous;
    level.size -= order.size;
    if (--level.orders > 0) return;
    auto& levels = sides_[level.book];
    u32 rank = rankOf(level.book, level.price);
    for (size_t at = levels.size(); at-- > 0;) {
      if (levels[at].rank != rank) continue;
      levels.erase(levels.begin() + at);
      break;
    }
    freeLevels_.push_back(order.level);
  }
};
