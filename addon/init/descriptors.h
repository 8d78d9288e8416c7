// Owns the getting rid of descriptors by range.
#pragma once

#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "../sys/calls.h"
#include "../sys/fd.h"

namespace tsrunc::init {

enum class Closing { kNow, kOnExec };

// The way of kernels before 5.9, or before 5.11 where they are to be closed on exec: what self/fd of the procfs `proc`
// lists.
inline sys::Outcome CloseListed(int proc, int first, Closing closing) {
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
      if (fd < first || fd == directory.get()) continue;
      if (closing == Closing::kOnExec) (void)sys::Fcntl(fd, F_SETFD, FD_CLOEXEC);
      else (void)sys::Raw(__NR_close, fd);
    }
  }
}

// Closes every descriptor from `first` up, `proc` among them, which must be a real procfs.
inline sys::Outcome CloseFrom(int proc, int first, Closing closing) {
  sys::Outcome closed =
      sys::CloseRange(static_cast<unsigned>(first), ~0u, closing == Closing::kOnExec ? CLOSE_RANGE_CLOEXEC : 0);
  // EPERM: a filter of the container's that is older than the call.
  bool is_old = closed.err() == ENOSYS || closed.err() == EINVAL || closed.err() == EPERM;
  return is_old ? CloseListed(proc, first, closing) : closed;
}

}  // namespace tsrunc::init
