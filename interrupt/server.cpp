// Answers every request with World, and shows each step of a clean end on Ctrl-C.
//   REP binds tcp://127.0.0.1:5555
// Its other half is ../req-rep/client.cpp. The other programs leave these steps to Interrupt, in
// ../common/interrupt.cpp, which also ends threads and calls that take no file descriptor.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "common.hpp"

// A flag that the handler sets and the loop tests is not enough: a signal that comes after the test
// and before the blocking call leaves the call blocked. A byte in a pipe stays until it is read, so
// zmq_poll sees the signal whenever it comes.
static int signal_pipe[2];

extern "C" {
static void on_signal(int number) {
    const int before = errno;  // the code that is interrupted may be about to read it
    const auto byte = static_cast<char>(number);
    // Only what signal-safety(7) lists may be called here. The pipe has room: a signal comes once.
    [[maybe_unused]] const ssize_t written = write(signal_pipe[1], &byte, 1);
    errno = before;
}
}

/// The next request; nothing when a signal has come instead.
static std::optional<std::string> receive(void* socket) {
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}, {nullptr, signal_pipe[0], ZMQ_POLLIN, 0}};
    Message frame;
    while (true) {
        // A handler that runs while a call is blocked ends the call with EINTR, whatever SA_RESTART
        // says. That is no error and no message: the pipe is what tells.
        if (zmq_poll(items, 2, -1) == -1 && zmq_errno() != EINTR) check(-1, "zmq_poll");
        if ((items[1].revents & ZMQ_POLLIN) != 0) return std::nullopt;
        const int size = zmq_msg_recv(frame.get(), socket, ZMQ_DONTWAIT);
        if (size == -1 && (zmq_errno() == EAGAIN || zmq_errno() == EINTR)) continue;
        check(size, "zmq_msg_recv");
        std::string request(frame.bytes());
        while (zmq_msg_more(frame.get()) == 1)  // any frames that follow belong to the same request
            if (zmq_msg_recv(frame.get(), socket, 0) == -1 && zmq_errno() != EINTR)
                check(-1, "zmq_msg_recv");
        return request;
    }
}

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    bool quiet = false;
    parse(argc, argv, "answers every request with World, and shows each step of a clean end",
          {{"bind ENDPOINT", &endpoint, "REP binds"}, {"quiet", &quiet, quiet_help}});

    // 1. The pipe, before the handler that writes to it.
    if (pipe(signal_pipe) == -1) check(-1, "pipe");
    for (const int end : signal_pipe) {
        if (fcntl(end, F_SETFL, O_NONBLOCK) == -1) check(-1, "fcntl", "O_NONBLOCK");
        if (fcntl(end, F_SETFD, FD_CLOEXEC) == -1) check(-1, "fcntl", "FD_CLOEXEC");
    }
    // 2. The handler, before there is anything to clean up. SA_RESETHAND: a second Ctrl-C kills.
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigemptyset(&action.sa_mask);
    for (const int number : {SIGINT, SIGTERM})
        if (sigaction(number, &action, nullptr) == -1) check(-1, "sigaction");

    // 3. Context and socket. libzmq's own threads block all signals: the handler runs in ours.
    Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    Socket responder(check(zmq_socket(context.get(), ZMQ_REP), "zmq_socket", "REP"));
    check(zmq_setsockopt(responder.get(), ZMQ_LINGER, &linger_at_interrupt,
                         sizeof linger_at_interrupt),
          "zmq_setsockopt", "ZMQ_LINGER");
    check(zmq_setsockopt(responder.get(), ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame),
          "zmq_setsockopt", "ZMQ_MAXMSGSIZE");
    check(zmq_bind(responder.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(responder.get()).c_str());

    // 4. Work, until a receive returns nothing.
    constexpr std::string_view reply = "World";
    Summary requests("request", "requests", quiet);
    while (const auto request = receive(responder.get())) {
        requests.start();
        if (!quiet) std::printf("received %s\n", text(*request).c_str());
        while (zmq_send(responder.get(), reply.data(), reply.size(), 0) == -1)
            if (zmq_errno() != EINTR) check(-1, "zmq_send");
        ++requests;
    }
    char number = 0;
    if (read(signal_pipe[0], &number, 1) == -1) check(-1, "read");
    std::printf("signal %d: cleaning up\n", number);

    // 5. The socket, then the context, which waits for the last reply as long as linger says.
    check(zmq_close(responder.release()), "zmq_close");
    while (zmq_ctx_term(context.get()) == -1)
        if (zmq_errno() != EINTR) check(-1, "zmq_ctx_term");
    static_cast<void>(context.release());
    std::printf("socket closed, context terminated\n");
    std::fprintf(stderr, "interrupted\n");
    return 0;
} catch (...) {
    return exit_status();
}
