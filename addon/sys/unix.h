// Owns the shape of unix(7) addresses, and connecting to one, for code without libc.
#pragma once

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/un.h>
#include <stddef.h>

#include "calls.h"
#include "fd.h"
#include "text.h"

namespace tsrunc::sys {

constexpr int kUnix = 1;                      // AF_UNIX
constexpr int kDatagram = 2, kSeqPacket = 5;  // SOCK_DGRAM, SOCK_SEQPACKET

// A connection to the socket at `path`; a leading '@' names one without a file where `may_be_abstract`. EINVAL for a
// path that is too long, or none. With `patience` a listener that has no room left, and later a reader that does not
// read, is waited for only so many seconds: EAGAIN.
inline Outcome ConnectUnix(const char* path, int type, bool may_be_abstract, UniqueFd* out, long patience = 0) {
  struct sockaddr_un address = {};
  address.sun_family = kUnix;
  size_t length = Length(path);
  if (length == 0 || length >= sizeof(address.sun_path)) return Fail(EINVAL, Call::k_connect);
  for (size_t i = 0; i < length; i++) address.sun_path[i] = path[i];
  size_t size = offsetof(sockaddr_un, sun_path) + length + 1;
  if (may_be_abstract && path[0] == '@') {  // a name is as long as it is; a path ends with a zero
    address.sun_path[0] = '\0';
    size--;
  }
  Outcome opened = Socket(kUnix, type | O_CLOEXEC);
  if (!opened.ok()) return opened;
  out->reset(static_cast<int>(opened.value));
  const long seconds[2] = {patience, 0};  // struct timeval; 0: for ever
  if (patience > 0)
    (void)Raw(__NR_setsockopt, out->get(), 1 /* SOL_SOCKET */, 21 /* SO_SNDTIMEO */, Arg(seconds), sizeof(seconds));
  return Connect(out->get(), &address, size);
}

}  // namespace tsrunc::sys
