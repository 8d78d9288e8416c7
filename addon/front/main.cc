// tsrunc: the program that people and engines start. Asks a planner that is running already, or else Node, which it
// starts for this command alone, and does what it is told. Knows no command but the one that is a planner.
// Freestanding, see docs/decisions/0002, 0011, 0013.
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "../init/start.h"
#include "../sys/calls.h"
#include "node.h"
#include "serve.h"

namespace tsrunc::init {

namespace {

// What this program opens must not become a stream of the container: the three that are missing are /dev/null, as Node
// has it.
void FillStreams() {
  for (int fd = 0; fd < 3; fd++)
    if (sys::Fcntl(fd, F_GETFD, 0).err() == EBADF) (void)sys::OpenAt(AT_FDCWD, "/dev/null", O_RDWR);
}

constexpr long kDefault = 0, kIgnore = 1;  // SIG_DFL, SIG_IGN

void Dispose(int signal, long handler) {
  struct {
    long handler, flags, restorer;
    uint64_t mask;
  } action = {handler, 0, 0, 0};
  (void)sys::Raw(__NR_rt_sigaction, signal, sys::Arg(&action), 0, 8);
}

// A caller may leave signals blocked or ignored, execve(2); as in Node, that is no matter here. Children must be waited
// for, and a reader that has gone is an error to be told, not an end. The container gets its dispositions anew.
void TakeSignals() {
  Dispose(SIGPIPE, kIgnore);
  Dispose(SIGCHLD, kDefault);
  uint64_t none = 0;
  (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&none), 0, 8);
}

}  // namespace

int Main(int argc, char** argv, char** envp) {
  FillStreams();
  TakeSignals();
  front::Command command = {argc, argv, envp};
  // Its process is the one that was called: systemd(1) hands a socket to this pid.
  bool is_planner = argc > 1 && sys::Equal(argv[1], "planner");
  front::Answer answer = is_planner ? front::Answer{false, 0} : front::Ask(command);
  return answer.is_done ? answer.status : front::BecomeNode(command);
}

}  // namespace tsrunc::init
