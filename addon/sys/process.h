// Owns a process by descriptor, so that a pid which is somebody else's by now is never meant: a pidfd (Linux 5.3); or,
// where that is lacking, the process's directory in /proc, which stands for this process and no later one, too.
#pragma once

#include "calls.h"
#include "fd.h"
#include "lacks.h"
#include "stat.h"
#include "text.h"

namespace tsrunc::sys {

// ESRCH or ENOENT: there is none.
inline Outcome OpenProcess(int pid) {
  Outcome opened = PidfdOpen(pid);
  if (!IsLacking(opened)) return opened;
  Text<32> path;
  path.Add("/proc/").AddNumber(static_cast<uint64_t>(pid));
  Outcome directory = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return directory.err() == ENOENT ? Fail(ESRCH, Call::k_pidfd_open) : directory;
}

inline bool IsProcDirectory(int process) {
  struct statx found;
  return Statx(process, "", AT_EMPTY_PATH, STATX_TYPE, &found).ok() && (found.stx_mode & 0170000) == 0040000;
}

namespace process_detail {

// The pid and the state letter from `stat` below the directory, proc_pid_stat(5). ESRCH: it is over.
inline Outcome ReadStat(int directory, int* pid, char* state) {
  Outcome opened = OpenAt(directory, "stat", O_RDONLY | O_CLOEXEC);
  if (!opened.ok()) return Fail(ESRCH, opened.call);
  UniqueFd file(opened.value);
  char text[256];
  Outcome read = Read(file.get(), text, sizeof(text) - 1);
  if (read.value <= 0) return Fail(ESRCH, Call::k_read);
  text[read.value] = '\0';
  *pid = 0;
  const char* at = text;
  for (; *at >= '0' && *at <= '9'; at++) *pid = *pid * 10 + (*at - '0');
  const char* end = nullptr;  // of the name, which may hold anything
  for (; *at != '\0'; at++)
    if (*at == ')') end = at;
  if (end == nullptr || end[1] != ' ') return Fail(EBADMSG, Call::k_read);
  *state = end[2];
  return Ok();
}

// "Pid:" of a pidfd, proc_pid_fdinfo(5).
inline Outcome PidOf(int pidfd, int* pid) {
  Text<48> path;
  path.Add("/proc/self/fdinfo/").AddNumber(static_cast<uint64_t>(pidfd));
  Outcome opened = OpenAt(AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (!opened.ok()) return opened;
  UniqueFd file(opened.value);
  char text[512];
  Outcome read = Read(file.get(), text, sizeof(text) - 1);
  if (!read.ok()) return read;
  text[read.value] = '\0';
  for (const char* line = text; *line != '\0'; line++) {
    if (!StartsWith(line, "\nPid:\t")) continue;
    *pid = 0;
    for (const char* digit = line + 6; *digit >= '0' && *digit <= '9'; digit++) *pid = *pid * 10 + (*digit - '0');
    return *pid > 0 ? Ok() : Fail(ESRCH, Call::k_pidfd_send_signal);  // -1: it is over
  }
  return Fail(ESRCH, Call::k_pidfd_send_signal);
}

}  // namespace process_detail

// Whether it is over; a zombie is.
inline bool HasEnded(int process) {
  if (IsProcDirectory(process)) {
    int pid = 0;
    char state = 0;
    return !process_detail::ReadStat(process, &pid, &state).ok() || state == 'Z' || state == 'X';
  }
  struct {
    int fd;
    short events, revents;
  } asked = {process, 1 /* POLLIN */, 0};
  return Poll(&asked, 1, 0).value > 0;
}

// ESRCH: it has ended. Without pidfd_send_signal(2) (Linux 5.1) the pid is signalled after it was asked whose it is; it
// could become another's only within the instant between, and only once somebody has reaped it.
inline Outcome SignalProcess(int process, int signal) {
  Outcome sent = PidfdSendSignal(process, signal);
  // EBADF: a directory in /proc of another mount than the kernel likes. EPERM may be the kernel's own; so is kill's.
  if (!IsLacking(sent) && sent.err() != EBADF) return sent;
  int pid = 0;
  char state = '?';
  Outcome known =
      IsProcDirectory(process) ? process_detail::ReadStat(process, &pid, &state) : process_detail::PidOf(process, &pid);
  if (!known.ok()) return known;
  return Kill(pid, signal);
}

}  // namespace tsrunc::sys
