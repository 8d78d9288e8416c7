// One wrapper a system call, named after it, doing nothing else. Knows no Node, no plan, no policy.
// EINTR is retried here; every other error is the caller's to judge.
#pragma once

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <stddef.h>
#include <stdint.h>

#include "outcome.h"
#include "raw.h"

namespace tsrunc::sys {

#define TSRUNC_CALL(name, ...) \
  return Outcome { Raw(__NR_##name, __VA_ARGS__), Call::k_##name }
#define TSRUNC_CALL_RETRIED(name, ...)      \
  long result;                              \
  do {                                      \
    result = Raw(__NR_##name, __VA_ARGS__); \
  } while (result == -4 /* EINTR */);       \
  return Outcome { result, Call::k_##name }

// --- files -----------------------------------------------------------------------------------------------------
inline Outcome OpenAt(int dir, const char* path, int flags, unsigned mode = 0) {
  TSRUNC_CALL_RETRIED(openat, dir, Arg(path), flags, mode);
}
inline Outcome OpenAt2(int dir, const char* path, const struct open_how* how) {
  TSRUNC_CALL_RETRIED(openat2, dir, Arg(path), Arg(how), sizeof(*how));
}
inline Outcome Read(int fd, void* data, size_t size) { TSRUNC_CALL_RETRIED(read, fd, Arg(data), size); }
inline Outcome Write(int fd, const void* data, size_t size) { TSRUNC_CALL_RETRIED(write, fd, Arg(data), size); }
// For stat.h, which has what to ask.
inline Outcome StatxOnly(int dir, const char* path, int flags, unsigned mask, struct statx* out) {
  TSRUNC_CALL(statx, dir, Arg(path), flags, mask, Arg(out));
}
inline Outcome NewFstatAt(int dir, const char* path, void* out, int flags) {
  return Outcome{Raw(__NR_newfstatat, dir, Arg(path), Arg(out), flags), Call::k_newfstatat};
}
inline Outcome MkdirAt(int dir, const char* name, unsigned mode) { TSRUNC_CALL(mkdirat, dir, Arg(name), mode); }
inline Outcome MknodAt(int dir, const char* name, unsigned mode, uint64_t device) {
  TSRUNC_CALL(mknodat, dir, Arg(name), mode, static_cast<long>(device));
}
inline Outcome SymlinkAt(const char* target, int dir, const char* name) {
  TSRUNC_CALL(symlinkat, Arg(target), dir, Arg(name));
}
inline Outcome UnlinkAt(int dir, const char* name, int flags) { TSRUNC_CALL(unlinkat, dir, Arg(name), flags); }
inline Outcome ReadlinkAt(int dir, const char* name, char* out, size_t size) {
  TSRUNC_CALL(readlinkat, dir, Arg(name), Arg(out), size);
}
inline Outcome FchmodAt(int dir, const char* name, unsigned mode) { TSRUNC_CALL(fchmodat, dir, Arg(name), mode); }
inline Outcome Fchmod(int fd, unsigned mode) { TSRUNC_CALL(fchmod, fd, mode); }
inline Outcome Fchown(int fd, unsigned uid, unsigned gid) { TSRUNC_CALL(fchown, fd, uid, gid); }
inline Outcome FchownAt(int dir, const char* name, unsigned uid, unsigned gid, int flags) {
  TSRUNC_CALL(fchownat, dir, Arg(name), uid, gid, flags);
}
inline Outcome FaccessAt2(int dir, const char* path, int mode, int flags) {
  TSRUNC_CALL(faccessat2, dir, Arg(path), mode, flags);
}
inline Outcome Fstatfs(int fd, void* out) { TSRUNC_CALL(fstatfs, fd, Arg(out)); }
struct DirectoryEntry {  // linux_dirent64, getdents64(2)
  uint64_t inode;
  int64_t next;
  uint16_t size;
  uint8_t type;
  char name[1];  // as long as `size` says
};
inline Outcome Getdents64(int fd, void* out, size_t size) { TSRUNC_CALL(getdents64, fd, Arg(out), size); }
inline Outcome Ioctl(int fd, unsigned long request, long argument) { TSRUNC_CALL(ioctl, fd, request, argument); }
inline Outcome Dup3(int from, int to, int flags) { TSRUNC_CALL_RETRIED(dup3, from, to, flags); }
inline Outcome Fcntl(int fd, int command, long argument) { TSRUNC_CALL(fcntl, fd, command, argument); }
inline Outcome CloseRange(unsigned first, unsigned last, unsigned flags) {
  TSRUNC_CALL(close_range, first, last, flags);
}
inline Outcome Pipe2(int fds[2], int flags) { TSRUNC_CALL(pipe2, Arg(fds), flags); }

// --- working directory and root --------------------------------------------------------------------------------
inline Outcome Chdir(const char* path) { TSRUNC_CALL(chdir, Arg(path)); }
inline Outcome Fchdir(int fd) { TSRUNC_CALL(fchdir, fd); }
inline Outcome Chroot(const char* path) { TSRUNC_CALL(chroot, Arg(path)); }
inline Outcome Getcwd(char* out, size_t size) { TSRUNC_CALL(getcwd, Arg(out), size); }
inline Outcome PivotRoot(const char* root, const char* old) { TSRUNC_CALL(pivot_root, Arg(root), Arg(old)); }

// --- mounts ----------------------------------------------------------------------------------------------------
inline Outcome Mount(const char* source, const char* target, const char* type, unsigned long flags, const char* data) {
  TSRUNC_CALL(mount, Arg(source), Arg(target), Arg(type), flags, Arg(data));
}
inline Outcome Umount2(const char* target, int flags) { TSRUNC_CALL(umount2, Arg(target), flags); }
inline Outcome FsOpen(const char* type, unsigned flags) { TSRUNC_CALL(fsopen, Arg(type), flags); }
inline Outcome FsConfig(int fd, unsigned command, const char* key, const void* value, int aux) {
  TSRUNC_CALL(fsconfig, fd, command, Arg(key), Arg(value), aux);
}
inline Outcome FsMount(int fd, unsigned flags, unsigned attributes) { TSRUNC_CALL(fsmount, fd, flags, attributes); }
inline Outcome OpenTree(int dir, const char* path, unsigned flags) { TSRUNC_CALL(open_tree, dir, Arg(path), flags); }
inline Outcome MoveMount(int from, const char* from_path, int to, const char* to_path, unsigned flags) {
  TSRUNC_CALL(move_mount, from, Arg(from_path), to, Arg(to_path), flags);
}
inline Outcome MountSetattr(int dir, const char* path, unsigned flags, const struct mount_attr* attributes) {
  TSRUNC_CALL(mount_setattr, dir, Arg(path), flags, Arg(attributes), sizeof(*attributes));
}

// --- processes and namespaces ----------------------------------------------------------------------------------
// Never with CLONE_VM: the child goes on running on a copy of this stack. `flags` hold the signal of the child's end.
inline Outcome Clone3(const struct clone_args* args) { TSRUNC_CALL(clone3, Arg(args), sizeof(*args)); }
// The old call, which more filters allow and older kernels have. Never with
// CLONE_VM either.
inline Outcome Clone(unsigned long flags) { TSRUNC_CALL(clone, static_cast<long>(flags), 0, 0, 0, 0); }
inline Outcome Setns(int fd, int type) { TSRUNC_CALL(setns, fd, type); }
inline Outcome Unshare(unsigned long flags) { TSRUNC_CALL(unshare, flags); }
inline Outcome PidfdOpen(int pid) { TSRUNC_CALL(pidfd_open, pid, 0); }
inline Outcome PidfdSendSignal(int pidfd, int signal) { TSRUNC_CALL(pidfd_send_signal, pidfd, signal, 0, 0); }
inline Outcome Setsid() { TSRUNC_CALL(setsid, 0); }
// To one process: 0 and below would mean whole process groups.
inline Outcome Kill(int pid, int signal) {
  if (pid <= 0) return Fail(ESRCH, Call::k_kill);
  TSRUNC_CALL(kill, pid, signal);
}
inline Outcome Wait4(int pid, int* status, int options) { TSRUNC_CALL_RETRIED(wait4, pid, Arg(status), options, 0); }
inline Outcome Execve(const char* path, const char* const* argv, const char* const* envp) {
  TSRUNC_CALL(execve, Arg(path), Arg(argv), Arg(envp));
}
inline Outcome Signalfd(const uint64_t* mask, int flags) { TSRUNC_CALL(signalfd4, -1, Arg(mask), 8, flags); }
inline Outcome Poll(void* fds, unsigned count, int timeout_ms) { TSRUNC_CALL(poll, Arg(fds), count, timeout_ms); }
// A container's filter may refuse to let us end: then the kernel ends us for what no filter is asked about.
[[noreturn]] inline void Exit(int status) {
  (void)Raw(__NR_exit_group, status);
  (void)Raw(__NR_exit, status);
  __builtin_trap();
}

// --- credentials and limits ------------------------------------------------------------------------------------
inline Outcome Prctl(int option, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0, unsigned long d = 0) {
  TSRUNC_CALL(prctl, option, a, b, c, d);
}
inline Outcome Setgroups(size_t count, const unsigned* groups) { TSRUNC_CALL(setgroups, count, Arg(groups)); }
inline Outcome Setresgid(unsigned gid) { TSRUNC_CALL(setresgid, gid, gid, gid); }
inline Outcome Setresuid(unsigned uid) { TSRUNC_CALL(setresuid, uid, uid, uid); }
inline Outcome Capset(struct __user_cap_header_struct* header, const struct __user_cap_data_struct* data) {
  TSRUNC_CALL(capset, Arg(header), Arg(data));
}
inline Outcome Prlimit64(int pid, int resource, const void* limits) {
  TSRUNC_CALL(prlimit64, pid, resource, Arg(limits), 0);
}
inline Outcome Umask(unsigned mask) { TSRUNC_CALL(umask, mask); }
inline Outcome Personality(unsigned long persona) { TSRUNC_CALL(personality, persona); }
inline Outcome Sethostname(const char* name, size_t size) { TSRUNC_CALL(sethostname, Arg(name), size); }
inline Outcome Setdomainname(const char* name, size_t size) { TSRUNC_CALL(setdomainname, Arg(name), size); }
inline Outcome Seccomp(unsigned operation, unsigned flags, const void* program) {
  TSRUNC_CALL(seccomp, operation, flags, Arg(program));
}
inline Outcome SchedSetaffinity(int pid, size_t size, const void* mask) {
  TSRUNC_CALL(sched_setaffinity, pid, size, Arg(mask));
}
inline Outcome SchedSetattr(int pid, const void* attributes, unsigned flags) {
  TSRUNC_CALL(sched_setattr, pid, Arg(attributes), flags);
}
inline Outcome IoprioSet(int which, int who, int priority) { TSRUNC_CALL(ioprio_set, which, who, priority); }
inline Outcome KeyctlJoinSessionKeyring(const char* name) {
  TSRUNC_CALL(keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, Arg(name));
}
inline Outcome KeyctlSetPermission(int key, unsigned permission) {
  TSRUNC_CALL(keyctl, 5 /* KEYCTL_SETPERM */, key, permission);
}

// --- sockets ---------------------------------------------------------------------------------------------------
inline Outcome Sendmsg(int fd, const void* message, int flags) {
  TSRUNC_CALL_RETRIED(sendmsg, fd, Arg(message), flags);
}
inline Outcome Recvmsg(int fd, void* message, int flags) { TSRUNC_CALL_RETRIED(recvmsg, fd, Arg(message), flags); }
// Of Unix sockets that keep messages apart, closed on exec.
inline Outcome SocketPair(int fds[2]) {
  constexpr int kUnix = 1, kSeqPacketCloseOnExec = 5 | 02000000;
  TSRUNC_CALL(socketpair, kUnix, kSeqPacketCloseOnExec, 0, Arg(fds));
}
inline Outcome Socket(int family, int type) { TSRUNC_CALL(socket, family, type, 0); }
inline Outcome Connect(int fd, const void* address, size_t size) {
  TSRUNC_CALL_RETRIED(connect, fd, Arg(address), static_cast<long>(size));
}
inline Outcome Recv(int fd, void* data, size_t size, int flags) {
  TSRUNC_CALL_RETRIED(recvfrom, fd, Arg(data), static_cast<long>(size), flags, 0, 0);
}
inline Outcome Accept4(int fd, int flags) { TSRUNC_CALL_RETRIED(accept4, fd, 0, 0, flags); }

#undef TSRUNC_CALL
#undef TSRUNC_CALL_RETRIED

}  // namespace tsrunc::sys
