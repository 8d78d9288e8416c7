// Owns which signals a process in the foreground hands on to the container. signal.h or asm/signal.h comes first: who
// has a libc and who has none need different ones.
#pragma once

namespace tsrunc::supervise {

constexpr int kSignals = 64;

// All but those that mean something to this process alone: faults, job control by its own terminal, its children.
constexpr bool IsForwarded(int signal) {
  switch (signal) {
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGKILL:
    case SIGSEGV:
    case SIGPIPE:
    case SIGCHLD:
    case SIGSTOP:
    case SIGPROF:
    case SIGSYS:
    case SIGURG:
    case SIGTTIN:
    case SIGTTOU:
    case 32:
    case 33:  // libc's own, where there is one
      return false;
    default: return true;
  }
}

}  // namespace tsrunc::supervise
