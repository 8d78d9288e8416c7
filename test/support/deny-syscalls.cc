// deny-syscalls ENOSYS|EPERM NAME[,NAME...] COMMAND ARGS: runs COMMAND where these system calls are not to be had: as
// on a kernel that lacks them, or below a filter that is older than they are. So what tsrunc does there is tested for
// real. Needs libseccomp.
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const bool is_filter = strcmp(argv[1], "EPERM") == 0;
  if (!is_filter && strcmp(argv[1], "ENOSYS") != 0) return 2;
  const uint32_t action = SCMP_ACT_ERRNO(is_filter ? EPERM : ENOSYS);
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr || seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) != 0) return 2;
  for (char* name = strtok(argv[2], ","); name != nullptr; name = strtok(nullptr, ",")) {
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || seccomp_rule_add(filter, action, number, 0) != 0) {
      fprintf(stderr, "deny-syscalls: %s: unknown system call\n", name);
      return 2;
    }
  }
  if (seccomp_load(filter) != 0) return 2;
  execvp(argv[3], argv + 3);
  perror(argv[3]);
  return 2;
}
