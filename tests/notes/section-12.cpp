// Section 12 of the notes: signals.
#include <poll.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <future>
#include <optional>
#include <thread>

#include "notes.hpp"

namespace notes {

namespace {

std::atomic<int> handled{0};
void count_signal(int /*signal*/) { ++handled; }

/// How a handler can be installed.
enum class How { sigaction_plain, sigaction_restart, std_signal, ignored };

/// Handles SIGUSR1 until the end of the block.
class Handler {
 public:
    explicit Handler(How how) {
        check(sigaction(SIGUSR1, nullptr, &before_));
        struct sigaction action {};
        action.sa_handler = count_signal;
        action.sa_flags = how == How::sigaction_restart ? SA_RESTART : 0;
        if (how == How::std_signal)
            std::signal(SIGUSR1, count_signal);
        else if (how == How::ignored)
            std::signal(SIGUSR1, SIG_IGN);
        else
            check(sigaction(SIGUSR1, &action, nullptr));
    }
    ~Handler() { sigaction(SIGUSR1, &before_, nullptr); }
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

 private:
    struct sigaction before_;
};

/// The number of signals that error_under_signals() has sent.
std::atomic<int> sent{0};

/// Makes `call` in a new thread and sends SIGUSR1 to that thread until the call returns, because a
/// single signal could come before the call blocks. Returns the error of the call.
int error_under_signals(const std::function<int()>& call) {
    std::atomic<bool> returned{false};
    int error = 0;
    std::thread blocked([&] {
        error = error_of(call());
        returned = true;
    });
    while (!returned) {
        pthread_kill(blocked.native_handle(), SIGUSR1);
        ++sent;
        // Without this pause, the call slept on under ThreadSanitizer in 2 of 120 runs.
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    blocked.join();
    return error;
}

// The errors under signals of calls that would block forever.

int of_receive() {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    pull.set(ZMQ_RCVTIMEO, -1).bind("inproc://pull");
    zmq_msg_t message;
    check(zmq_msg_init(&message));
    return error_under_signals([&] { return zmq_msg_recv(&message, pull, 0); });
}

int of_receive_with_timeout() {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    pull.set(ZMQ_RCVTIMEO, deadline_ms).bind("inproc://pull");
    return error_under_signals([&] { return zmq_recv(pull, nullptr, 0, 0); });
}

int of_send() {
    const Context context;
    Socket push(context, ZMQ_PUSH);
    push.set(ZMQ_SNDTIMEO, -1).bind("inproc://push");
    return error_under_signals([&] { return zmq_send(push, "a", 1, 0); });
}

int of_poll() {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    zmq_pollitem_t item{pull, 0, ZMQ_POLLIN, 0};
    return error_under_signals([&] { return zmq_poll(&item, 1, -1); });
}

int of_poll_without_items() {
    zmq_pollitem_t none{};
    return error_under_signals([&] { return zmq_poll(&none, 0, deadline_ms); });
}

int of_proxy() {
    const Context context;
    Socket frontend(context, ZMQ_ROUTER), backend(context, ZMQ_DEALER);
    return error_under_signals([&] { return zmq_proxy(frontend, backend, nullptr); });
}

int of_term() {
    void* const context = zmq_ctx_new();
    void* const open = zmq_socket(context, ZMQ_PULL);  // zmq_ctx_term waits for this one
    const int error = error_under_signals([&] { return zmq_ctx_term(context); });
    check(zmq_close(open));
    check(zmq_ctx_term(context));  // a second call succeeds
    return error;
}

/// The wrapper of 12.2.2.
std::optional<std::string> receive_unless_interrupted(void* socket) {
    Message message;
    const int size = zmq_msg_recv(message, socket, 0);
    if (size == -1 && zmq_errno() == EINTR) return std::nullopt;
    check(size);
    return std::string(message.bytes());
}

/// A child that has queued a message for `endpoint`, written a line to `file`, and waits. It ends
/// cleanly if a signal interrupts the wait, and reports that.
Child child_with_unsent_work(const std::string& endpoint, const std::string& file, bool handles) {
    return Child([=](const auto& report) {
        struct sigaction action {};
        action.sa_handler = handles ? count_signal : SIG_DFL;
        check(sigaction(SIGTERM, &action, nullptr));
        void* const context = zmq_ctx_new();
        void* const push = zmq_socket(context, ZMQ_PUSH);
        void* const idle = zmq_socket(context, ZMQ_PULL);
        check(zmq_connect(push, endpoint.c_str()));
        check(zmq_send(push, "farewell", 8, 0));
        FILE* const out = std::fopen(file.c_str(), "w");
        std::fputs("the last line\n", out);
        report("waiting");
        if (error_of(zmq_recv(idle, nullptr, 0, 0)) != EINTR) throw std::runtime_error("zmq_recv");
        report("interrupted");
        std::fclose(out);
        check(zmq_close(push));
        check(zmq_close(idle));
        while (zmq_ctx_term(context) == -1)
            if (zmq_errno() != EINTR) throw std::runtime_error("zmq_ctx_term");
    });
}

}  // namespace

TEST_CASE("12.0a: a process without a handler is killed and its blocked call never returns",
          "[notes]") {
    const int signal = GENERATE(SIGINT, SIGTERM);
    Child child([signal](const auto& report) {
        std::signal(signal, SIG_DFL);
        const Context context;
        Socket pull(context, ZMQ_PULL);
        report("waiting");
        zmq_recv(pull, nullptr, 0, 0);
        report("returned");
    });
    CHECK(child.read() == "waiting");
    pollfd item{child.fd(), POLLIN, 0};
    CHECK(::poll(&item, 1, a_while) == 0);  // the call blocks
    check(kill(child.id(), signal));
    CHECK(child.wait() == -signal);
    CHECK(child.read_all().empty());
}

TEST_CASE("12.0b: a process that is killed loses queued messages and buffered output", "[notes]") {
    const Folder folder;
    Child child = child_with_unsent_work(folder.endpoint("late"), folder.path("file"), false);
    CHECK(child.read() == "waiting");
    check(kill(child.id(), SIGTERM));
    CHECK(child.wait() == -SIGTERM);
    CHECK(child.read_all().empty());  // the system has closed its files, and this pipe
    CHECK(read_file(folder.path("file")).empty());
    const Context context;
    Socket pull(context, ZMQ_PULL), fence(context, ZMQ_PUSH);
    pull.bind(folder.endpoint("late"));
    fence.connect(folder.endpoint("late"));
    send(fence, {"fence"});
    CHECK(receive(pull) == Frames{"fence"});
}

TEST_CASE("12.0b: a process that closes its sockets after EINTR loses nothing", "[notes]") {
    const Folder folder;
    Child child = child_with_unsent_work(folder.endpoint("late"), folder.path("file"), true);
    CHECK(child.read() == "waiting");
    pollfd item{child.fd(), POLLIN, 0};
    do {
        check(kill(child.id(), SIGTERM));  // a single one could come before the call blocks
    } while (::poll(&item, 1, 1) == 0);
    CHECK(child.read() == "interrupted");
    const Context context;
    Socket pull(context, ZMQ_PULL);
    pull.bind(folder.endpoint("late"));
    CHECK(receive(pull) == Frames{"farewell"});
    CHECK(child.wait() == 0);
    CHECK(read_file(folder.path("file")) == "the last line\n");
}

TEST_CASE("12.2.1: a handler that runs in the blocked thread ends the call with -1 and EINTR",
          "[notes]") {
    const Handler handler(How::sigaction_plain);
    CHECK(of_receive() == EINTR);
    CHECK(of_poll() == EINTR);
    CHECK(of_send() == EINTR);
}

TEST_CASE("12.2.1: a handler also ends a call with a timeout and zmq_proxy and zmq_ctx_term",
          "[notes]") {
    const Handler handler(How::sigaction_plain);
    CHECK(of_receive_with_timeout() == EINTR);
    CHECK(of_poll_without_items() == EINTR);
    CHECK(of_proxy() == EINTR);
    CHECK(of_term() == EINTR);
}

TEST_CASE("12.2.1: the caller keeps a message whose send is interrupted", "[notes]") {
    const Handler handler(How::sigaction_plain);
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.bind("inproc://push");
    zmq_msg_t message;
    check(zmq_msg_init_size(&message, 5));
    std::memcpy(zmq_msg_data(&message), "hello", 5);
    CHECK(error_under_signals([&] { return zmq_msg_send(&message, push, 0); }) == EINTR);
    CHECK(zmq_msg_size(&message) == 5);
    pull.connect("inproc://push");
    CHECK(zmq_msg_send(&message, push, 0) == 5);
    CHECK(receive(pull) == Frames{"hello"});
    CHECK(poll(pull, ZMQ_POLLIN, 0) == 0);  // once
}

TEST_CASE("12.2.1: an ignored signal ends no call", "[notes]") {
    const Handler handler(How::ignored);
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.bind("inproc://push");
    pull.connect("inproc://push");
    std::promise<void> waiting;
    const auto receive_one = [&] {
        return error_under_signals([&] {
            waiting.set_value();
            char byte;
            return zmq_recv(pull, &byte, 1, 0);
        });
    };
    auto receiver = std::async(std::launch::async, receive_one);
    waiting.get_future().wait();
    CHECK(receiver.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    send(push, {"a"});
    CHECK(receiver.get() == 0);
    // With a handler, the same signals end the same call.
    const Handler takes_them(How::sigaction_plain);
    waiting = {};
    CHECK(receive_one() == EINTR);
}

TEST_CASE("12.2.1: a handler that runs in another thread ends no call", "[notes]") {
    const Handler handler(How::sigaction_plain);
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.bind("inproc://push");
    pull.connect("inproc://push");
    std::promise<void> waiting;
    auto receiver = std::async(std::launch::async, [&] {
        waiting.set_value();
        char byte;
        return error_of(zmq_recv(pull, &byte, 1, 0));
    });
    waiting.get_future().wait();
    // The first time, the receiver may not block yet; the second time, it does.
    for (int i = 0; i < 2; ++i) {
        CHECK(of_poll() == EINTR);
        CHECK(receiver.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    }
    send(push, {"a"});
    CHECK(receiver.get() == 0);
}

TEST_CASE("12.2.1: a signal that comes before the call does not end it", "[notes]") {
    const Handler handler(How::sigaction_plain);
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.bind("inproc://push");
    pull.connect("inproc://push");
    handled = 0;
    std::promise<void> waiting;
    auto receiver = std::async(std::launch::async, [&] {
        check(raise(SIGUSR1));  // the handler runs in this thread and returns first
        waiting.set_value();
        char byte;
        return error_of(zmq_recv(pull, &byte, 1, 0));
    });
    waiting.get_future().wait();
    CHECK(handled == 1);
    CHECK(receiver.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    send(push, {"a"});
    CHECK(receiver.get() == 0);
}

TEST_CASE(
    "12.2.1: libzmq's threads block all signals so only the program's own threads handle them",
    "[notes]") {
    const Handler handler(How::sigaction_plain);
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.connect(pull.bind(any_port));
    // Each libzmq thread first blocks all signals. Both have done so, because the I/O thread has
    // passed on a message, and the other thread has destroyed a closed socket.
    send(push, {"before"});
    CHECK(receive(pull) == Frames{"before"});
    Socket(context, ZMQ_PAIR).bind("inproc://taken");
    while (zmq_bind(pull, "inproc://taken") == -1) std::this_thread::yield();
    sigset_t usr1, pending;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    check(pthread_sigmask(SIG_BLOCK, &usr1, nullptr));
    handled = 0;
    check(kill(getpid(), SIGUSR1));
    send(push, {"a"});  // passes through the I/O thread
    CHECK(receive(pull) == Frames{"a"});
    CHECK(handled == 0);
    check(sigpending(&pending));
    CHECK(sigismember(&pending, SIGUSR1) == 1);
    check(pthread_sigmask(SIG_UNBLOCK, &usr1, nullptr));
    CHECK(handled == 1);
}

TEST_CASE("12.2.2: a receive wrapper can return nothing when interrupted", "[notes]") {
    const Handler handler(How::sigaction_plain);
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.bind("inproc://push");
    pull.connect("inproc://push");
    std::optional<std::string> received = "something";
    error_under_signals([&] {
        received = receive_unless_interrupted(pull);
        return 0;
    });
    CHECK(received == std::nullopt);
    send(push, {""});
    CHECK(receive_unless_interrupted(pull) == "");  // an empty message is a message
    send(push, {"a"});
    CHECK(receive_unless_interrupted(pull) == "a");
}

TEST_CASE("12.2.3: SA_RESTART changes nothing for any call of libzmq", "[notes]") {
    const Handler handler(GENERATE(How::sigaction_plain, How::sigaction_restart, How::std_signal));
    CHECK(of_receive() == EINTR);
    CHECK(of_receive_with_timeout() == EINTR);
    CHECK(of_send() == EINTR);
    CHECK(of_poll() == EINTR);
    CHECK(of_poll_without_items() == EINTR);
    CHECK(of_proxy() == EINTR);
    CHECK(of_term() == EINTR);
}

// The signal() of ThreadSanitizer does not set SA_RESTART.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OTHER_SIGNAL
#endif
#elif defined(__SANITIZE_THREAD__)
#define OTHER_SIGNAL
#endif

TEST_CASE("12.2.3: SA_RESTART which signal() sets restarts a plain read", "[notes]") {
    int ends[2];
    check(pipe(ends));
    char byte;
    {
        const Handler handler(How::sigaction_plain);
        CHECK(error_under_signals([&] { return static_cast<int>(::read(ends[0], &byte, 1)); }) ==
              EINTR);
    }
#ifdef OTHER_SIGNAL
    const Handler handler(How::sigaction_restart);
#else
    const Handler handler(GENERATE(How::sigaction_restart, How::std_signal));
#endif
    const int before = sent;
    std::promise<void> waiting;
    auto reader = std::async(std::launch::async, [&] {
        return error_under_signals([&] {
            waiting.set_value();
            return static_cast<int>(::read(ends[0], &byte, 1));
        });
    });
    waiting.get_future().wait();
    while (sent < before + 100) std::this_thread::yield();
    CHECK(reader.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    check(static_cast<int>(::write(ends[1], "a", 1)));
    CHECK(reader.get() == 0);
    ::close(ends[0]);
    ::close(ends[1]);
}

namespace {
int self_pipe[2];
void write_to_pipe(int /*signal*/) {
    const int saved = errno;
    [[maybe_unused]] const ssize_t written = ::write(self_pipe[1], "!", 1);
    errno = saved;
}
}  // namespace

TEST_CASE("12.2.4: with a pipe among the items of zmq_poll no signal is lost", "[notes]") {
    check(pipe(self_pipe));
    const Handler restores(How::sigaction_plain);
    std::signal(SIGUSR1, write_to_pipe);
    const Context context;
    Socket pull(context, ZMQ_PULL);
    zmq_pollitem_t items[] = {{pull, 0, ZMQ_POLLIN, 0}, {nullptr, self_pipe[0], ZMQ_POLLIN, 0}};
    CHECK(zmq_poll(items, 2, 0) == 0);
    if (GENERATE(true, false))
        check(raise(SIGUSR1));  // before the call
    else
        // During the call, too: it fails with EINTR, or the pipe is readable.
        error_under_signals([&] { return zmq_poll(items, 2, deadline_ms); });
    CHECK(zmq_poll(items, 2, deadline_ms) == 1);
    CHECK(items[0].revents == 0);
    CHECK(items[1].revents == ZMQ_POLLIN);
    ::close(self_pipe[0]);
    ::close(self_pipe[1]);
}

TEST_CASE("12.2.4: with a thread that waits for the signal and shuts the context down none is lost",
          "[notes]") {
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    check(pthread_sigmask(SIG_BLOCK, &usr1, nullptr));
    const Context context;
    Socket pull(context, ZMQ_PULL);
    check(kill(getpid(), SIGUSR1));  // before the call and before the thread
    std::thread waits([&] {
        int signal;
        sigwait(&usr1, &signal);
        zmq_ctx_shutdown(context);
    });
    CHECK(error_of(zmq_recv(pull, nullptr, 0, 0)) == ETERM);
    waits.join();
    check(pthread_sigmask(SIG_UNBLOCK, &usr1, nullptr));
}

}  // namespace notes
