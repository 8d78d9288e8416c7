// call NUMBER[,ARGUMENT...] ...: makes each of these system calls, by number, and prints the errno that it gets, 0 for
// none, separated by blanks. For containers whose filter is tested: static, and with as few calls of its own as can be.
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  char line[4096];
  int size = 0;
  for (int i = 1; i < argc; i++) {
    unsigned long words[7] = {};
    char* at = argv[i];
    for (unsigned long& word : words) {
      word = strtoul(at, &at, 0);
      if (*at++ != ',') break;
    }
    errno = 0;
    (void)syscall(static_cast<long>(words[0]), words[1], words[2], words[3], words[4], words[5], words[6]);
    size += snprintf(line + size, sizeof(line) - static_cast<size_t>(size), "%s%d", i == 1 ? "" : " ", errno);
  }
  return write(1, line, static_cast<size_t>(size)) == size ? 0 : 1;
}
