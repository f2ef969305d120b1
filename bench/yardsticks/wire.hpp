// How the yardsticks get at messages: a file mapped whole, and one walk for each format.
//   ItchFile  NASDAQ's own file: two bytes of length (big endian), then the message
//   NsePcap   a nanosecond pcap of Ethernet, IPv4 and UDP without options, one message a datagram
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i32 = int32_t;

template <class T>
static inline T load(const u8* at) {
  T value;
  memcpy(&value, at, sizeof value);
  return value;
}
static inline u16 big16(const u8* at) { return __builtin_bswap16(load<u16>(at)); }
static inline u32 big32(const u8* at) { return __builtin_bswap32(load<u32>(at)); }
static inline u64 big64(const u8* at) { return __builtin_bswap64(load<u64>(at)); }

struct MappedFile {
  const u8* begin;
  const u8* end;

  explicit MappedFile(const char* path) {
    int file = open(path, O_RDONLY);
    struct stat facts;
    if (file < 0 || fstat(file, &facts) != 0) {
      perror(path);
      exit(1);
    }
    void* at = mmap(nullptr, facts.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    begin = static_cast<const u8*>(at);
    end = begin + facts.st_size;
    close(file);
  }
};

/// Messages whose orders are asked for before they are needed, in the mode that looks ahead.
static constexpr int AHEAD = 12;

struct ItchFile {
  static const u8* first(const u8* at) { return at; }
  static const u8* next(const u8* at) { return at + 2 + big16(at); }
  static const u8* message(const u8* at) { return at + 2; }
  static bool isNumbered(const u8*) { return true; }
};

struct NsePcap {
  static constexpr int FILE_HEADER = 24, RECORD_HEADER = 16, PACKET_HEADERS = 42;

  static const u8* first(const u8* at) { return at + FILE_HEADER; }
  static const u8* next(const u8* at) { return at + RECORD_HEADER + load<u32>(at + 8); }
  static const u8* message(const u8* at) { return at + RECORD_HEADER + PACKET_HEADERS; }
  /// A heartbeat has no number and does nothing to a book.
  static bool isNumbered(const u8* m) { return load<u32>(m + 4) != 0; }
};

/// Hands every numbered message to `take`, and before that, if `ahead` says so, to `soon`.
template <class Format, bool ahead, class Take, class Soon>
static u64 walk(const u8* begin, const u8* end, Take&& take, Soon&& soon) {
  u64 messages = 0;
  const u8* at = Format::first(begin);
  const u8* early = at;
  for (int i = 0; ahead && i < AHEAD && early + 2 < end; i++) early = Format::next(early);
  for (; at + 2 < end; at = Format::next(at)) {
    if (ahead && early + 64 < end) {
      soon(Format::message(early));
      early = Format::next(early);
    }
    const u8* message = Format::message(at);
    if (!Format::isNumbered(message)) continue;
    messages++;
    take(message);
  }
  return messages;
}
