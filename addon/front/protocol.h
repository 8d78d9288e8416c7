// Owns the protocol between a front, which a caller has started, and the planner that it asks. One request a connection
// (SOCK_SEQPACKET, docs/decisions/0011); every message is a Head and what follows it. src/caller/protocol.ts is the
// other side.
//
//   front                                      planner
//     | -- kRequest ----------------------------> |   version, arguments, directory, environment
//     | <----------------------------- kDecline - |   another version, other namespaces, ...: the front asks Node
//     |                                           |
//     | <------------------------------- kPrint - |   at any time
//     | <--------------------------------- kOwned - |   "if I am lost, finish this container"
//     | <---------- kLaunch, with descriptors -   |
//     | -- kLaunched ---------------------------> |   the helper has done its part; it reports to the planner itself
//     | <-------------------------------- kWait - |
//     | -- kWaited -----------------------------> |
//     |                                           |   then one of
//     | <-------------------------------- kExit - |
//     | <------ kWaitForReady, with descriptors - |   wait for the container's READY, then exit with 0
//     | <--------- kSupervise, with descriptors - |   wait for its end, remove it, exit with its status
#pragma once

#include <stdint.h>

namespace tsrunc::front {

// Raised with every change here; in a request's c. The program's version is compared, too.
constexpr uint32_t kProtocol = 3;

enum Message : uint32_t {
  kRequest = 1,     // a: umask, b: number of arguments; strings, each ended by a zero byte: version, directory,
                    // arguments, then variables "NAME=value"
  kLaunched = 2,    // a: pid; b: errno or 0, c: kFailed...
  kWaited = 3,      // a: wait status, wait(2); b: errno
  kPrint = 16,      // a: 1 or 2, the stream; text
  kLaunch = 17,     // a: kHoldSignals, kSubreaper, kIsInit, kWithEnvironment; b: CLONE_NEW* of init; the preserved
                    // descriptors, as ascending 32-bit numbers; with helper, sync, plan, slots ...
  kWait = 18,       // a: pid
  kOwned = 19,      // a: how many of the arguments are global options; strings: id, time of creation
  kSupervise = 20,  // a: pid; b: kHas... ; the descriptors that b names, in this order; string: the manager's address
  kWaitForReady = 21,  // a: pid; descriptors: the container's socket, a pidfd; string: the manager's address
  kExit = 22,          // a: status. From Node, whose exit status says the same, only after kOwned
  kDecline = 23,
};

// Of kLaunch: what is prepared for a process that the front will supervise.
constexpr uint32_t kHoldSignals = 1, kSubreaper = 2;
// Of kLaunched: what failed.
constexpr uint32_t kFailedClone = 1, kFailedExecve = 2;
// The helper is init from its birth.
constexpr uint32_t kIsInit = 4;
// The helper gets the environment of the front, which never leaves it otherwise: for hooks that inherit it.
constexpr uint32_t kWithEnvironment = 8;
// Of kSupervise. With kHasRemoval the end is in the message: after the address come cgroups, an empty string, the
// container's directory, files in it, an empty string; the last descriptor is that directory. What does not go by it
// needs kHasFinish.
constexpr uint32_t kHasTerminal = 1, kHasNotify = 2, kHasFinish = 4, kHasRemoval = 8;

struct Head {
  uint32_t kind, a, b, c;
};

constexpr unsigned kMessageMax = 64 << 10;

// How long a planner may take to read a request. After that the front ends its side of the connection (shutdown(2)); a
// planner that finds the end behind the request declines it, so that no command is done twice.
constexpr int kPatience = 3;  // seconds

}  // namespace tsrunc::front
