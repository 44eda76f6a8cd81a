// Answers every request with "World", and shows each step of a clean end on Ctrl-C.
//   REP binds tcp://127.0.0.1:5555
// Run it with ../req-rep/client.cpp. The other programs leave this to ../common/interrupt.cpp.
#include <sys/time.h>
#include <unistd.h>

#include <csignal>

#include "common.hpp"

// A flag could be set between its test and a blocking call. A byte in a pipe stays there.
static int signal_pipe[2];
static volatile std::sig_atomic_t signal_number;
constexpr itimerval deadline = {{0, 0}, {0, 700'000}};  // microseconds until SIGALRM
constexpr std::string_view interrupted = "interrupted\n";

extern "C" void on_signal(int number) {
    const int before = errno;
    [[maybe_unused]] ssize_t written = write(signal_pipe[1], "", 1);
    errno = before;
    if (number == SIGALRM) {  // the clean-up takes too long: standard output may be blocked
        written = write(STDERR_FILENO, interrupted.data(), interrupted.size());
        _exit(128 + signal_number);
    }
    if (signal_number == 0) signal_number = number;
    for (const int next : {SIGINT, SIGTERM}) std::signal(next, SIG_DFL);  // a second one kills
    setitimer(ITIMER_REAL, &deadline, nullptr);
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
    struct sigaction action = {};
    action.sa_handler = on_signal;  // 2. The handler, before there is anything to clean up.
    for (const int n : {SIGINT, SIGTERM, SIGPIPE, SIGALRM}) check(sigaction(n, &action, nullptr));
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
    std::fputs(interrupted.data(), stderr);
    return 128 + signal_number;
} catch (...) {
    return report_error();
}
