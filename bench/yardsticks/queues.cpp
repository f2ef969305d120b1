// queues FILE < ASKED
//   FILE   NASDAQ's own file
//   ASKED  lines of "messages book isBuy price", messages not falling: the queue of that level when so
//          many messages have been applied
// Prints for each of them a line: orders in the queue, and a digest of their ids and sizes in order. An
// oracle for where orders stand in their queues: slow, and nothing in it is clever.
#include <iostream>
#include <list>
#include <map>
#include <tuple>
#include <unordered_map>

#include "wire.hpp"

using Place = std::tuple<u32, bool, u32>;  // book, side, price
using Queue = std::list<u64>;

struct Standing {
  Place place;
  u32 size;
  Queue::iterator at;
};

struct Asked {
  u64 messages;
  Place place;
};

static std::map<Place, Queue> queues;
static std::unordered_map<u64, Standing> orders;

static void add(u64 id, Place place, u32 size) {
  Queue& queue = queues[place];
  orders[id] = {place, size, queue.insert(queue.end(), id)};
}

static void remove(u64 id) {
  auto found = orders.find(id);
  if (found == orders.end()) return;
  auto queue = queues.find(found->second.place);
  queue->second.erase(found->second.at);
  if (queue->second.empty()) queues.erase(queue);
  orders.erase(found);
}

static void reduce(u64 id, u32 size) {
  auto found = orders.find(id);
  if (found == orders.end()) return;
  if (size >= found->second.size) remove(id);
  else found->second.size -= size;
}

static void replace(u64 old, u64 id, u32 size, u32 price) {
  auto found = orders.find(old);
  if (found == orders.end()) return;
  auto [book, isBuy, was] = found->second.place;
  remove(old);
  add(id, {book, isBuy, price}, size);
}

static void apply(const u8* m) {
  u64 id = big64(m + 11);
  switch (m[0]) {
    case 'A': case 'F': add(id, {big16(m + 1), m[19] == 'B', big32(m + 32)}, big32(m + 20)); break;
    case 'E': case 'C': case 'X': reduce(id, big32(m + 19)); break;
    case 'D': remove(id); break;
    case 'U': replace(id, big64(m + 19), big32(m + 27), big32(m + 31)); break;
  }
}

static void answer(const Place& place) {
  u32 digest = 2166136261u, count = 0;
  auto fold = [&](u32 word) { digest = (digest ^ word) * 16777619u; };
  if (auto queue = queues.find(place); queue != queues.end()) {
    for (u64 id : queue->second) {
      count++;
      fold(static_cast<u32>(id));
      fold(static_cast<u32>(id >> 32));
      fold(orders[id].size);
    }
  }
  printf("%u %08x\n", count, digest);
}

int main(int count, char** words) {
  if (count != 2) {
    fprintf(stderr, "queues FILE < ASKED\n");
    return 2;
  }
  MappedFile file(words[1]);
  const u8* at = file.begin;
  u64 applied = 0, messages;
  u32 book, isBuy, price;
  while (std::cin >> messages >> book >> isBuy >> price) {
    for (; applied < messages && at + 2 < file.end; at = ItchFile::next(at), applied++)
      apply(ItchFile::message(at));
    answer({book, isBuy != 0, price});
  }
}
