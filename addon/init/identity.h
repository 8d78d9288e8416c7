// Owns the question which directory of which mount a descriptor stands for. Knows no mount.
#pragma once

#include "context.h"

namespace tsrunc::init {

// Type, mode, inode, device and mount; the last from the procfs that is known to be real where statx(2) does not say it
// (Linux 5.8): a guard that compared what was never filled in would find everything the same.
inline sys::Outcome Identify(Context& context, int fd, struct statx* out) {
  TSRUNC_TRY(sys::Statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE | STATX_INO | STATX_MNT_ID, out));
  if ((out->stx_mask & STATX_MNT_ID) != 0) return sys::Ok();
  sys::Text<32> name;
  name.Add("self/fdinfo/").AddNumber(static_cast<uint64_t>(fd));
  sys::Outcome opened = sys::OpenAt(context.proc.get(), name.c_str(), O_RDONLY | O_CLOEXEC);
  if (!opened.ok()) return opened;
  sys::UniqueFd file(opened.value);
  char text[512];
  sys::Outcome read = sys::Read(file.get(), text, sizeof(text) - 1);
  if (!read.ok()) return read;
  text[read.value] = '\0';
  for (const char* line = text; *line != '\0'; line++) {
    if (!sys::StartsWith(line, "\nmnt_id:\t")) continue;
    out->stx_mnt_id = 0;
    for (const char* digit = line + 9; *digit >= '0' && *digit <= '9'; digit++)
      out->stx_mnt_id = out->stx_mnt_id * 10 + static_cast<uint64_t>(*digit - '0');
    out->stx_mask |= STATX_MNT_ID;
    return sys::Ok();
  }
  return sys::Fail(ENOSYS, sys::Call::k_statx);
}

}  // namespace tsrunc::init
