// Owns the wire format of a plan and its checked reading. Knows no operation's meaning, no Node, no allocation.
//
//   header | records | pool
//   record = { u16 kind, u8 stage, u8 zero, u32 count } then `count` fields of 8 bytes
//   field  = a number, or a reference {u32 offset into the pool, u32 length or count}
//            strings and bytes: length in bytes; strings have a zero behind them and none inside
//            lists: count of 8-byte entries at an 8-aligned offset (numbers, or references to strings)
//
// All integers are little-endian. Written by src/plan/encode.ts. The reader trusts nothing: every offset is checked
// before it is followed, in 64 bits, so that no sum can wrap (CVE-2021-43784 was a 16-bit length that did).
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tsrunc::plan {

constexpr uint32_t kMagic = 0x50525354;  // "TSRP"
constexpr uint32_t kVersion = 1;
constexpr uint32_t kMaxSize = 64u << 20;

enum class Stage : uint8_t { kParent = 0, kInit = 1, kCount };
enum HeaderFlags : uint32_t { kReportEveryOp = 1 };

struct Header {
  uint32_t magic;
  uint32_t version;
  uint32_t size;  // of the whole plan, bytes
  uint32_t op_count;
  uint32_t ops_offset;
  uint32_t pool_offset;
  uint32_t pool_size;
  uint32_t flags;
};
static_assert(sizeof(Header) == 32);

struct Record {
  uint16_t kind;
  uint8_t stage;
  uint8_t zero;
  uint32_t count;
};
static_assert(sizeof(Record) == 8);

struct Bytes {
  const uint8_t* data = nullptr;
  uint32_t size = 0;
};
struct Numbers {
  const uint64_t* data = nullptr;
  uint32_t count = 0;
};

// Strings of a list; `pool` makes each reference a pointer.
struct Strings {
  const uint64_t* refs = nullptr;
  uint32_t count = 0;
  const char* pool = nullptr;
  const char* operator[](uint32_t i) const { return pool + static_cast<uint32_t>(refs[i]); }
};

// Walks the fields of one record. Every getter returns false when the field is missing or points outside the pool.
class FieldReader {
 public:
  FieldReader(const uint64_t* fields, uint32_t count, const uint8_t* pool, uint32_t pool_size)
      : fields_(fields), left_(count), pool_(pool), pool_size_(pool_size) {}
  bool Number(uint64_t* out);
  bool String(const char** out);
  bool List(Strings* out);
  bool List(Numbers* out);
  bool Blob(Bytes* out);
  bool AtEnd() const { return left_ == 0; }

 private:
  bool Next(uint64_t* out);
  bool IsString(uint64_t ref) const;
  bool IsInside(uint64_t offset, uint64_t size) const { return offset <= pool_size_ && size <= pool_size_ - offset; }
  const uint64_t* fields_;
  uint32_t left_;
  const uint8_t* pool_;
  uint32_t pool_size_;
};

// Walks the records of one plan. `data` must be 8-aligned and outlive the reader.
class Reader {
 public:
  // Checks the header. False when this is no plan of this version.
  bool Open(const void* data, size_t size);
  // The next record, or false at the end. After false, ok() tells the end from a fault.
  bool Next(Record* record, FieldReader* fields);
  bool ok() const { return ok_; }
  uint32_t index() const { return index_; }  // of the record that Next gave last
  uint32_t flags() const { return header_->flags; }
  void Rewind();

 private:
  const Header* header_ = nullptr;
  const uint8_t* base_ = nullptr;
  uint32_t cursor_ = 0;
  uint32_t index_ = 0;
  uint32_t read_ = 0;
  bool ok_ = false;
};

}  // namespace tsrunc::plan
