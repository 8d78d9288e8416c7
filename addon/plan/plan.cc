// The checked reading of a plan; see plan.h for the format.
#include "plan.h"

namespace tsrunc::plan {

bool FieldReader::Next(uint64_t* out) {
  if (left_ == 0) return false;
  *out = *fields_++;
  left_--;
  return true;
}

bool FieldReader::IsString(uint64_t ref) const {
  uint64_t offset = static_cast<uint32_t>(ref), length = ref >> 32;
  if (!IsInside(offset, length + 1)) return false;
  for (uint64_t i = 0; i < length; i++)
    if (pool_[offset + i] == 0) return false;
  return pool_[offset + length] == 0;
}

bool FieldReader::Number(uint64_t* out) { return Next(out); }

bool FieldReader::String(const char** out) {
  uint64_t ref;
  if (!Next(&ref) || !IsString(ref)) return false;
  *out = reinterpret_cast<const char*>(pool_) + static_cast<uint32_t>(ref);
  return true;
}

bool FieldReader::List(Numbers* out) {
  uint64_t ref;
  if (!Next(&ref)) return false;
  uint64_t offset = static_cast<uint32_t>(ref), count = ref >> 32;
  if (offset % 8 != 0 || !IsInside(offset, count * 8)) return false;
  *out = {reinterpret_cast<const uint64_t*>(pool_ + offset), static_cast<uint32_t>(count)};
  return true;
}

bool FieldReader::List(Strings* out) {
  Numbers refs;
  if (!List(&refs)) return false;
  for (uint32_t i = 0; i < refs.count; i++)
    if (!IsString(refs.data[i])) return false;
  *out = {refs.data, refs.count, reinterpret_cast<const char*>(pool_)};
  return true;
}

bool FieldReader::Blob(Bytes* out) {
  uint64_t ref;
  if (!Next(&ref)) return false;
  uint64_t offset = static_cast<uint32_t>(ref), size = ref >> 32;
  if (!IsInside(offset, size)) return false;
  *out = {pool_ + offset, static_cast<uint32_t>(size)};
  return true;
}

bool Reader::Open(const void* data, size_t size) {
  ok_ = false;
  if (size < sizeof(Header) || size > kMaxSize || reinterpret_cast<uintptr_t>(data) % 8 != 0) return false;
  header_ = static_cast<const Header*>(data);
  base_ = static_cast<const uint8_t*>(data);
  const Header& h = *header_;
  if (h.magic != kMagic || h.version != kVersion || h.size != size) return false;
  if (h.ops_offset != sizeof(Header) || h.ops_offset > h.pool_offset || h.pool_offset % 8 != 0) return false;
  if (h.pool_offset > size || h.pool_size != size - h.pool_offset) return false;
  Rewind();
  return true;
}

void Reader::Rewind() {
  cursor_ = header_->ops_offset;
  index_ = read_ = 0;
  ok_ = true;
}

bool Reader::Next(Record* record, FieldReader* fields) {
  if (!ok_) return false;
  if (read_ == header_->op_count) {
    ok_ = cursor_ == header_->pool_offset;  // nothing may hide between the last record and the pool
    return false;
  }
  uint32_t room = header_->pool_offset - cursor_;
  const auto* head = reinterpret_cast<const Record*>(base_ + cursor_);
  if (room < sizeof(Record) || head->count > (room - sizeof(Record)) / 8 || head->zero != 0 ||
      head->stage >= static_cast<uint8_t>(Stage::kCount)) {
    ok_ = false;
    return false;
  }
  *record = *head;
  *fields = FieldReader(reinterpret_cast<const uint64_t*>(head + 1), head->count, base_ + header_->pool_offset,
                        header_->pool_size);
  cursor_ += static_cast<uint32_t>(sizeof(Record)) + head->count * 8;
  index_ = read_++;
  return true;
}

}  // namespace tsrunc::plan
