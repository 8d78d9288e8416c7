// Owns the getting rid of descriptors by range.
#pragma once

#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "../sys/calls.h"
#include "../sys/fd.h"
#include "../sys/lacks.h"

namespace tsrunc::init {

enum class Closing { kNow, kOnExec };
constexpr int kNoDescriptor = 0x7fffffff;  // above all

// The way of kernels before 5.9, or before 5.11 where they are to be closed on exec: what self/fd of the procfs `proc`
// lists.
inline sys::Outcome CloseListed(int proc, int first, Closing closing, int last) {
  sys::Outcome opened = sys::OpenAt(proc, "self/fd", O_DIRECTORY | O_CLOEXEC);
  if (!opened.ok()) return opened;
  sys::UniqueFd directory(opened.value);
  alignas(8) char entries[4096];
  for (;;) {
    sys::Outcome read = sys::Getdents64(directory.get(), entries, sizeof(entries));
    if (!read.ok() || read.value == 0) return read;
    for (long at = 0; at < read.value;) {
      const auto* entry = reinterpret_cast<const sys::DirectoryEntry*>(entries + at);
      at += entry->size;
      int fd = 0;
      for (const char* digit = entry->name; *digit >= '0' && *digit <= '9'; digit++) fd = fd * 10 + (*digit - '0');
      bool is_meant = first <= fd && fd <= last && fd != directory.get() && (fd != proc || last == kNoDescriptor);
      if (!is_meant) continue;
      if (closing == Closing::kOnExec) (void)sys::Fcntl(fd, F_SETFD, FD_CLOEXEC);
      else (void)sys::Raw(__NR_close, fd);
    }
  }
}

// Closes every descriptor from `first` up to `last`, `proc` among them, which must be a real procfs and is needed for
// the last.
inline sys::Outcome CloseFrom(int proc, int first, Closing closing, int last = kNoDescriptor) {
  sys::Outcome closed = sys::CloseRange(static_cast<unsigned>(first), static_cast<unsigned>(last),
                                        closing == Closing::kOnExec ? CLOSE_RANGE_CLOEXEC : 0);
  bool is_old = sys::IsLacking(closed) || closed.err() == EINVAL;
  return is_old ? CloseListed(proc, first, closing, last) : closed;
}

}  // namespace tsrunc::init
