// yardstick FEED MODE FILE
//   FEED  itch (NASDAQ's own file) | nse (a pcap of one line)
//   MODE  parse (framing and every field of the messages that books need)
//         | books (and best prices; looks 12 messages ahead for their orders)
//         | plain (the same books, one message after the other)
// Prints one line of JSON: messages, ns (wall), cpu_ns, digest. Order by order, one thread.
#include <sys/resource.h>

#include <chrono>
#include <string>

#include "books.hpp"

static u64 cpuNs() {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  auto ns = [](timeval time) { return time.tv_sec * 1000000000ull + time.tv_usec * 1000ull; };
  return ns(used.ru_utime) + ns(used.ru_stime);
}

/// What a parser read: a sum that edgebook's decoder is held against, and the rest, so that no
/// compiler leaves a field out.
struct Parsed {
  u32 sum = 0;
  u64 rest = 0;

  void order(u64 id, u32 size, u32 price) { sum += static_cast<u32>(id) + 3 * size + 7 * price; }

  void itch(const u8* m) {
    u8 type = m[0];
    rest += type + big16(m + 1);
    u64 time = big64(m + 3) & 0xffffffffffffull;
    switch (type) {
      case 'A': case 'F':
        rest += m[19];
        order(big64(m + 11), big32(m + 20), big32(m + 32));
        break;
      case 'E': case 'C': case 'X': order(big64(m + 11), big32(m + 19), 0); break;
      case 'D': order(big64(m + 11), 0, 0); break;
      case 'U':
        order(big64(m + 11) + big64(m + 19), big32(m + 27), big32(m + 31));
        break;
      default: return;
    }
    sum += static_cast<u32>(time);
  }

  void nse(const u8* m) {
    u8 type = m[8];
    rest += type + load<u32>(m + 4);
    u64 time = load<u64>(m + 9), id = static_cast<u64>(load<double>(m + 17));
    switch (type) {
      case 'N': case 'M': case 'G': case 'H':
        rest += m[29] + load<u32>(m + 25);
        order(id, load<u32>(m + 34), load<u32>(m + 30));
        break;
      case 'X': case 'J':
        rest += m[29] + load<u32>(m + 25) + load<u32>(m + 30) + load<u32>(m + 34);
        order(id, 0, 0);
        break;
      case 'T': case 'K':
        rest += load<u32>(m + 33);
        order(id + static_cast<u64>(load<double>(m + 25)), load<u32>(m + 41), load<u32>(m + 37));
        break;
      default: return;
    }
    sum += static_cast<u32>(time);
  }
};

struct Itch {
  using Format = ItchFile;
  Books books{65536, 0};

  void soon(const u8* m) const { books.soon(big64(m + 11)); }

  void take(const u8* m) {
    u32 book = big16(m + 1);
    u64 id = big64(m + 11);
    switch (m[0]) {
      case 'A': case 'F':
        books.add(id, book, m[19] == 'B', big32(m + 20), big32(m + 32));
        break;
      case 'E': case 'C': case 'X':
        if (u32 slot = books.find(id)) books.reduce(id, slot, big32(m + 19));
        break;
      case 'D':
        if (u32 slot = books.find(id)) books.remove(id, slot);
        break;
      case 'U':
        if (u32 slot = books.find(id)) {
          bool isBuy = books.bookOf(slot) & 1;
          books.remove(id, slot);
          books.add(big64(m + 19), book, isBuy, big32(m + 27), big32(m + 31));
        }
        break;
      default:
        return;
    }
    books.fold(book, book);
  }
};

/// Dense numbers of tokens; a spread is a book of its own, its token with bit 31.
class Tokens {
 public:
  u32 find(u32 token) {
    u32 at = (token * 0x9E3779B1u) >> 12;
    while (keys_[at] != token && values_[at] != 0) at = (at + 1) & (PLACES - 1);
    if (values_[at] == 0) {
      keys_[at] = token;
      values_[at] = ++count_;
    }
    return values_[at] - 1;
  }

 private:
  static constexpr u32 PLACES = 1 << 20;
  std::vector<u32> keys_ = std::vector<u32>(PLACES), values_ = std::vector<u32>(PLACES);
  u32 count_ = 0;
};

struct Nse {
  using Format = NsePcap;
  Books books{300000, 0x80000000u};
  Tokens tokens;

  void soon(const u8* m) const { books.soon(static_cast<u64>(load<double>(m + 17))); }

  void take(const u8* m) {
    u8 type = m[8];
    bool isSpread = type == 'G' || type == 'H' || type == 'J' || type == 'K';
    u64 id = static_cast<u64>(load<double>(m + 17));
    bool isTrade = type == 'T' || type == 'K';
    if (type == 'C' || type == 'Z') return;
    u32 token = load<u32>(m + (isTrade ? 33 : 25)) | (isSpread ? 0x80000000u : 0);
    u32 book = tokens.find(token);
    if (isTrade) {
      u32 size = load<u32>(m + 41);
      fill(id, size);
      fill(static_cast<u64>(load<double>(m + 25)), size);
    } else {
      order(type, id, book, m[29] == 'B', load<u32>(m + 34), load<u32>(m + 30));
    }
    books.fold(book, token);
  }

 private:
  void order(u8 type, u64 id, u32 book, bool isBuy, u32 size, u32 price) {
    u32 slot = type == 'N' || type == 'G' ? 0 : books.find(id);
    if (type == 'X' || type == 'J') {
      if (slot) books.remove(id, slot);
    } else if (slot) {
      books.modify(slot, book, isBuy, size, price);
    } else {
      books.add(id, book, isBuy, size, price);
    }
  }

  void fill(u64 id, u32 size) {
    u32 slot = id == 0 ? 0 : books.find(id);
    if (slot) books.reduce(id, slot, size);
  }
};

static void print(u64 messages, u64 ns, u64 cpu, u64 changes, u64 live, u32 digest) {
  printf("{\"messages\":%llu,\"ns\":%llu,\"cpu_ns\":%llu,\"changes\":%llu,\"live_orders\":%llu,"
         "\"digest\":\"%08x\"}\n",
         (unsigned long long)messages, (unsigned long long)ns, (unsigned long long)cpu,
         (unsigned long long)changes, (unsigned long long)live, digest);
}

struct Clock {
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
  u64 cpu = cpuNs();
  u64 wallNs() const { return (std::chrono::steady_clock::now() - wall).count(); }
};

/// An NSE capture's messages one behind another: both parsers start from the same bytes.
static std::vector<u8> withoutHeaders(const MappedFile& file) {
  std::vector<u8> messages;
  messages.reserve(file.end - file.begin);
  walk<NsePcap, false>(
      file.begin, file.end,
      [&](const u8* m) { messages.insert(messages.end(), m, m + load<u16>(m)); }, [](const u8*) {});
  return messages;
}

static void parse(const MappedFile& file, bool isItch) {
  std::vector<u8> bare;
  if (!isItch) bare = withoutHeaders(file);
  static volatile u64 rest;
  Parsed parsed;
  u64 messages = 0;
  Clock clock;
  if (isItch) {
    messages = walk<ItchFile, false>(
        file.begin, file.end, [&](const u8* m) { parsed.itch(m); }, [](const u8*) {});
  }
  for (const u8* m = bare.data(); m < bare.data() + bare.size(); m += load<u16>(m), messages++)
    parsed.nse(m);
  rest = parsed.rest;
  print(messages, clock.wallNs(), cpuNs() - clock.cpu, 0, 0, parsed.sum);
}

template <bool ahead, class Market>
static void build(Market& market, const char* path) {
  Clock clock;
  MappedFile file(path);
  u64 messages = walk<typename Market::Format, ahead>(
      file.begin, file.end, [&](const u8* m) { market.take(m); },
      [&](const u8* m) { market.soon(m); });
  const Books& books = market.books;
  print(messages, clock.wallNs(), cpuNs() - clock.cpu, books.changes, books.live(), books.digest);
}

int main(int count, char** words) {
  std::string feed = count == 4 ? words[1] : "", mode = count == 4 ? words[2] : "";
  bool isItch = feed == "itch", isAhead = mode == "books";
  if ((!isItch && feed != "nse") || (mode != "parse" && mode != "plain" && !isAhead)) {
    fprintf(stderr, "yardstick itch|nse parse|books|plain FILE\n");
    return 2;
  }
  if (mode == "parse") {
    parse(MappedFile(words[3]), isItch);
  } else if (isItch) {
    static Itch market;
    isAhead ? build<true>(market, words[3]) : build<false>(market, words[3]);
  } else {
    static Nse market;
    isAhead ? build<true>(market, words[3]) : build<false>(market, words[3]);
  }
}
