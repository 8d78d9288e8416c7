// What tests do with system calls that no shell has: keys, and an attacker who traces. Static, so that it runs in any
// container.
//   inside with-key NAME SECRET PROGRAM...  a session keyring with that key, then the program
//   inside find-key NAME                    the secret of a key that is found from here, or "none"
//   inside keyring                          the id of the session keyring
//   inside seize                            seizes every process that is born in this pid namespace; tells of each: its
//   effective
//                                           capabilities at that moment, and the first line of its uid_map
#include <asm/unistd.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int WithKey(char** argv) {
  if (syscall(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) return perror("keyctl"), 1;
  if (syscall(__NR_add_key, "user", argv[0], argv[1], strlen(argv[1]), KEY_SPEC_SESSION_KEYRING) < 0)
    return perror("add_key"), 1;
  execv(argv[2], argv + 2);
  return perror("execv"), 1;
}

static int FindKey(const char* name) {
  long key = syscall(__NR_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);
  if (key < 0) key = syscall(__NR_request_key, "user", name, nullptr, 0);
  char secret[256] = "";
  if (key < 0 || syscall(__NR_keyctl, KEYCTL_READ, key, secret, sizeof(secret) - 1) < 0) return puts("none"), 0;
  return puts(secret), 0;
}

static int Keyring() {
  return printf("%ld\n", syscall(__NR_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0)), 0;
}

static void FirstLine(int pid, const char* file, const char* key, char* out, size_t size) {
  char path[64], line[512];
  snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
  FILE* opened = fopen(path, "r");
  if (opened == nullptr) return;
  while (fgets(line, sizeof(line), opened) != nullptr)
    if (strncmp(line, key, strlen(key)) == 0) {
      line[strcspn(line, "\n")] = '\0';
      snprintf(out, size, "%s", line + strlen(key));
      break;
    }
  fclose(opened);
}

// Pids of a namespace are given out in order: the next few are tried without a rest.
static int Seize() {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  puts("ready");
  for (int last = getpid();;) {
    for (int pid = last + 1; pid < last + 6; pid++) {
      if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) continue;
      (void)ptrace(PTRACE_INTERRUPT, pid, 0, 0);
      int status;
      if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) continue;
      char caps[64] = "?", map[64] = "?", name[64] = "?";
      FirstLine(pid, "status", "CapEff:\t", caps, sizeof(caps));
      FirstLine(pid, "uid_map", "", map, sizeof(map));
      FirstLine(pid, "status", "Name:\t", name, sizeof(name));
      printf("seized %s %s %s\n", caps, name, map);
      (void)ptrace(PTRACE_DETACH, pid, 0, 0);
      last = pid;
    }
    // A number that was passed over, by a process that has ended at once.
    for (int pid = last + 6; pid < last + 60; pid++)
      if (syscall(__NR_tgkill, pid, pid, 0) == 0) last = pid - 1;
  }
}

int main(int argc, char** argv) {
  if (argc > 4 && strcmp(argv[1], "with-key") == 0) return WithKey(argv + 2);
  if (argc == 3 && strcmp(argv[1], "find-key") == 0) return FindKey(argv[2]);
  if (argc == 2 && strcmp(argv[1], "keyring") == 0) return Keyring();
  if (argc == 2 && strcmp(argv[1], "seize") == 0) return Seize();
  return 2;
}
