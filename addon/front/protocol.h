// Owns the protocol between a front, which a caller has started, and the planner that it asks. One request a connection
// (SOCK_SEQPACKET, docs/decisions/0011); every message is a Head and what follows it. src/planner/protocol.ts is the
// other side.
//
//   front                                      planner
//     | -- kRequest ----------------------------> |   version, arguments, directory, environment
//     | <----------------------------- kDecline - |   another version, other namespaces, ...: the front becomes Node
//     |                                           |
//     | <------------------------------- kPrint - |   at any time
//     | <-------------------------- kForeground - |   before anything is started that the front will wait for
//     | <--------------------------------- kOwned - |   "if I am lost, finish this container"
//     | <---------- kLaunch, with descriptors -   |
//     | -- kLaunched ---------------------------> |   the helper has done its part; it reports to the planner itself
//     | <-------------------------------- kWait - |
//     | -- kWaited -----------------------------> |
//     |                                           |   then one of
//     | <-------------------------------- kExit - |
//     | <------ kWaitForReady, with descriptors - |   wait for the container's READY, then exit with 0
//     | <---------- kSupervise, with descriptors- |   wait for its end, finish it by another request, exit with its
//     status
#pragma once

#include <stdint.h>

namespace tsrunc::front {

// Raised with every change here; in a request's c. The program's version is compared, too.
constexpr uint32_t kProtocol = 1;

enum Message : uint32_t {
  kRequest = 1,      // a: umask, b: number of arguments; strings, each ended by a zero byte: version, directory,
                     // arguments, then variables "NAME=value"
  kLaunched = 2,     // b: errno or 0, c: the call that failed
  kWaited = 3,       // a: wait status, wait(2); b: errno
  kPrint = 16,       // a: 1 or 2, the stream; text
  kLaunch = 17,      // the preserved descriptors, ascending, as 32-bit numbers; with helper, sync, plan, slots ...
  kWait = 18,        // a: pid
  kOwned = 19,       // a: how many of the arguments are global options; strings: id, time of creation
  kForeground = 20,  // a: 1 for a subreaper
  kSupervise = 21,   // a: pid; b: kHas... ; the descriptors that b names, in this order; string: the manager's address
  kWaitForReady = 22,  // a: pid; descriptors: the container's socket, a pidfd; string: the manager's address
  kExit = 23,          // a: status
  kDecline = 24,
};

constexpr uint32_t kHasTerminal = 1, kHasNotify = 2, kHasFinish = 4;

struct Head {
  uint32_t kind, a, b, c;
};

constexpr unsigned kMessageMax = 64 << 10;

}  // namespace tsrunc::front
