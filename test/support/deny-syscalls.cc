// deny-syscalls NAME[,NAME...] COMMAND ARGS: runs COMMAND on a kernel that seems to lack these system calls (ENOSYS),
// so that what tsrunc does on old kernels is tested for real. Needs libseccomp.
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr || seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) != 0) return 2;
  for (char* name = strtok(argv[1], ","); name != nullptr; name = strtok(nullptr, ",")) {
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0) != 0) {
      fprintf(stderr, "deny-syscalls: %s: unknown system call\n", name);
      return 2;
    }
  }
  if (seccomp_load(filter) != 0) return 2;
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 2;
}
