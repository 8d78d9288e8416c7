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

// A reader that has gone is an error to be told, not an end; as in Node. The container gets its dispositions anew.
void IgnoreSigpipe() {
  struct {
    long handler, flags, restorer;
    uint64_t mask;
  } action = {1 /* SIG_IGN */, 0, 0, 0};
  (void)sys::Raw(__NR_rt_sigaction, SIGPIPE, sys::Arg(&action), 0, 8);
}

}  // namespace

int Main(int argc, char** argv, char** envp) {
  FillStreams();
  IgnoreSigpipe();
  static front::Path descriptors = front::OpenDescriptors();
  front::Command command = {argc, argv, envp, descriptors.c_str()};
  // Its process is the one that was called: systemd(1) hands a socket to this pid.
  bool is_planner = argc > 1 && sys::Equal(argv[1], "planner");
  front::Answer answer = is_planner ? front::Answer{false, 0} : front::Ask(command);
  return answer.is_done ? answer.status : front::BecomeNode(command);
}

}  // namespace tsrunc::init
