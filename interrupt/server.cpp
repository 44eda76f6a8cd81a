// Answers every request with "World", and shows each step of a clean end on Ctrl-C.
//   REP binds tcp://127.0.0.1:5555
// Run it with ../req-rep/client.cpp. The other programs leave this to ../common/interrupt.cpp.
#include <sys/time.h>
#include <unistd.h>

#include <csignal>

#include "common.hpp"

// A flag is not enough: a signal that comes after the test of the flag and before the blocking call
// leaves the call blocked. A byte in a pipe stays there, and zmq_poll reports it.
static int signal_pipe[2];
static volatile std::sig_atomic_t signal_number;

extern "C" void on_signal(int number) {
    if (number == SIGALRM) _exit(128 + signal_number);  // the end takes too long
    signal_number = number;
    const int before = errno;
    const itimerval deadline = {{0, 0}, {0, 700'000}};  // microseconds until SIGALRM
    setitimer(ITIMER_REAL, &deadline, nullptr);         // in here: print may block
    [[maybe_unused]] const ssize_t written = write(signal_pipe[1], "", 1);
    errno = before;
}

/// Repeats a call that the handler has ended with EINTR. That is no error: only the pipe counts.
static int retried(const auto& call) {
    int result = call();
    while (result == -1 && zmq_errno() == EINTR) result = call();
    return result;
}

/// Returns the next request, or nothing when interrupted.
static std::optional<std::string> receive(void* socket) {
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}, {nullptr, signal_pipe[0], ZMQ_POLLIN, 0}};
    Message frame;
    while (true) {
        check(retried([&] { return zmq_poll(items, 2, -1); }));
        if (items[1].revents != 0) return std::nullopt;
        // A REP drops a malformed request only now, so this call may find nothing.
        const int size = retried([&] { return zmq_msg_recv(frame, socket, ZMQ_DONTWAIT); });
        if (check_unless_again(size)) break;
    }
    std::string request(frame.bytes());
    while (zmq_msg_more(frame) == 1) check(retried([&] { return zmq_msg_recv(frame, socket, 0); }));
    return request;
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    parse(argc, argv, "Answer every request with \"World\", and show each step of a clean end.",
          {{"bind ENDPOINT", &endpoint, "where the REP socket binds"}});

    check(pipe(signal_pipe));  // 1. The pipe, before the handler that writes to it.
    // 2. The handler, before there is anything to clean up. SA_RESETHAND: a second Ctrl-C kills.
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int number : {SIGINT, SIGTERM, SIGALRM}) check(sigaction(number, &action, nullptr));
    {
        const Context context(zmq_ctx_new());  // 3. Its threads block all signals; ours does not.
        const Socket responder(zmq_socket(context, ZMQ_REP));
        const int linger = 200;  // ms that the last reply may take
        check(zmq_setsockopt(responder, ZMQ_LINGER, &linger, sizeof linger));
        check(zmq_bind(responder, endpoint.c_str()), "zmq_bind " + endpoint);
        print_listening(responder);

        constexpr std::string_view world = "World";
        while (const auto request = receive(responder)) {  // 4. Work, until interrupted.
            print("received ", *request);
            check(retried([&] { return zmq_send(responder, world.data(), world.size(), 0); }));
        }
        print("signal received, cleaning up");
    }  // 5. zmq_close, then zmq_ctx_term, which waits for the last reply as long as linger allows.
    print("socket closed, context terminated");
    std::fputs("interrupted\n", stderr);
    return 128 + signal_number;
} catch (...) {
    return report_error();
}
