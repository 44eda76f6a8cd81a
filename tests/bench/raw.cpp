// The baseline of each program: bare calls of libzmq that do the same work. The same sockets with
// the options that the program itself sets, polled in the same way, and the same messages, built
// and read alike; without checks, Ctrl-C, output, and what common/ sets for every socket.
//
// Usage: bench-raw ROLE ENDPOINT... NUMBER...
// At the end it prints what the programs print: "N messages in S s, R/s". It takes the time as they
// do, from the first message that counts until its sockets are closed.
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Words = std::vector<std::string>;  // what follows ROLE

void* const context = zmq_ctx_new();
int messages = 0;
Clock::time_point begin;

void count() {
    if (messages++ == 0) begin = Clock::now();
}

void count_in_any_thread() {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    count();
}

struct Socket {
    std::unique_ptr<void, int (*)(void*)> owner;

    explicit Socket(int type) : owner(zmq_socket(context, type), zmq_close) {}
    /// `join` is zmq_bind or zmq_connect. A SUB subscribes to the prefix.
    Socket(int type, int (*join)(void*, const char*), const std::string& endpoint,
           const std::vector<std::pair<int, int>>& options = {}, std::string_view prefix = "")
        : Socket(type) {
        for (const auto& [option, value] : options)
            zmq_setsockopt(*this, option, &value, sizeof value);
        if (type == ZMQ_SUB) zmq_setsockopt(*this, ZMQ_SUBSCRIBE, prefix.data(), prefix.size());
        join(*this, endpoint.c_str());
        if (join == zmq_bind) std::printf("listening on %s\n", last_endpoint().c_str());
    }
    operator void*() const { return owner.get(); }
    std::string last_endpoint() const {
        char endpoint[1024] = "";
        size_t size = sizeof endpoint;
        zmq_getsockopt(*this, ZMQ_LAST_ENDPOINT, endpoint, &size);
        return endpoint;
    }
};

struct Message {
    zmq_msg_t frame;
    Message() { zmq_msg_init(&frame); }
    ~Message() { zmq_msg_close(&frame); }
    bool receive(void* socket, int flags = 0) { return zmq_msg_recv(&frame, socket, flags) != -1; }
    bool more() { return zmq_msg_more(&frame) == 1; }
    std::string_view bytes() {
        return {static_cast<const char*>(zmq_msg_data(&frame)), zmq_msg_size(&frame)};
    }
};

void send(void* socket, const std::string& text, int flags = 0) {
    zmq_send(socket, text.data(), text.size(), flags);
}

int number(std::string_view digits) {
    int value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

/// Of a task of push-pull2, after the name of its sender.
int task_number(std::string_view task) { return number(task.substr(task.rfind(' ') + 1)); }

// Requests and replies ----------------------------------------------------------------------------

void answer(void* socket) {
    Message request;
    while (request.receive(socket)) zmq_send(socket, "World", 5, 0);
}

void rep(const Words& words) { answer(Socket(ZMQ_REP, zmq_bind, words[0])); }

/// Polls a pipe, too, as interrupt does.
void rep_and_pipe(const Words& words) {
    const Socket socket(ZMQ_REP, zmq_bind, words[0], {{ZMQ_LINGER, 200}});
    int ends[2];
    if (pipe(ends) == -1) return;
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}, {nullptr, ends[0], ZMQ_POLLIN, 0}};
    Message request;
    while (zmq_poll(items, 2, -1) != -1)
        if (request.receive(socket, ZMQ_DONTWAIT)) zmq_send(socket, "World", 5, 0);
}

/// ENDPOINT COUNT CLIENTS TIMEOUT: each client in a thread. -1: no timeout.
void req(const Words& words) {
    const int timeout = std::stoi(words[3]);
    std::vector<std::thread> clients;
    for (int n = std::stoi(words[2]); n > 0; --n)
        clients.emplace_back([&] {
            const Socket socket(
                ZMQ_REQ, zmq_connect, words[0],
                {{ZMQ_SNDTIMEO, timeout}, {ZMQ_RCVTIMEO, timeout}, {ZMQ_LINGER, 0}});
            Message reply;
            for (int left = std::stoi(words[1]); left > 0; --left) {
                zmq_send(socket, "Hello", 5, 0);
                reply.receive(socket);
                count_in_any_thread();
            }
        });
    for (auto& client : clients) client.join();
}

/// One key pair for both sides, which costs as much as two.
void set_keys(void* socket, bool server) {
    const std::string secret(40, '1');
    char key[41];
    zmq_curve_public(key, secret.c_str());
    const int on = 1;
    if (server) zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on);
    if (!server) zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, key, sizeof key);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key, sizeof key);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret.c_str(), sizeof key);
}

/// Polls an authenticator, too, as in curve-req-rep. Unbound: libzmq asks it nothing.
void curve_rep(const Words& words) {
    const Socket authenticator(ZMQ_REP), socket(ZMQ_REP);
    set_keys(socket, true);
    zmq_bind(socket, words[0].c_str());
    std::printf("listening on %s\n", socket.last_endpoint().c_str());
    zmq_pollitem_t items[] = {{authenticator, 0, ZMQ_POLLIN, 0}, {socket, 0, ZMQ_POLLIN, 0}};
    Message request;
    while (zmq_poll(items, 2, -1) != -1)
        if (request.receive(socket, ZMQ_DONTWAIT)) zmq_send(socket, "World", 5, 0);
}

/// ENDPOINT COUNT: polls a monitor, too, as in curve-req-rep.
void curve_req(const Words& words) {
    const Socket socket(ZMQ_REQ);
    set_keys(socket, false);
    zmq_socket_monitor(socket, "inproc://events", ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    const Socket events(ZMQ_PAIR, zmq_connect, "inproc://events");
    zmq_connect(socket, words[0].c_str());
    zmq_pollitem_t items[] = {{events, 0, ZMQ_POLLIN, 0}, {socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0}};
    Message reply;
    for (const int n = std::stoi(words[1]); messages < n;) {
        zmq_poll(items, 2, -1);
        if (items[0].revents != 0) zmq_recv(events, nullptr, 0, 0);
        if ((items[1].revents & ZMQ_POLLOUT) != 0 &&
            zmq_send(socket, "Hello", 5, ZMQ_DONTWAIT) != -1)
            continue;
        if ((items[1].revents & ZMQ_POLLIN) != 0 && reply.receive(socket, ZMQ_DONTWAIT)) count();
    }
    zmq_socket_monitor(socket, nullptr, 0);
}

// Pipelines ---------------------------------------------------------------------------------------

/// ENDPOINT COUNT WORKERS [NAME]: waits for the workers; tasks are numbers, after a name if any.
void sender(const Words& words) {
    const Socket socket(ZMQ_PUSH);
    zmq_socket_monitor(socket, "inproc://events", ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    const Socket events(ZMQ_PAIR, zmq_connect, "inproc://events");
    zmq_bind(socket, words[0].c_str());
    std::printf("listening on %s\n", socket.last_endpoint().c_str());
    for (int frames = 2 * std::stoi(words[2]); frames > 0; --frames)
        zmq_recv(events, nullptr, 0, 0);
    zmq_socket_monitor(socket, nullptr, 0);
    int ready = 0;
    size_t size = sizeof ready;
    zmq_getsockopt(socket, ZMQ_EVENTS, &ready, &size);  // takes in all that are connected
    const bool named = words.size() > 3;
    for (int task = 1, n = std::stoi(words[1]); task <= n; ++task)
        send(socket, named ? words[3] + " " + std::to_string(task) : std::to_string(task));
}

/// SENDER SINKER
void worker(const Words& words) {
    const Socket to_sinker(ZMQ_PUSH, zmq_connect, words[1]);
    const Socket from_sender(ZMQ_PULL, zmq_connect, words[0]);
    Message task;
    while (task.receive(from_sender))
        if (number(task.bytes()) > 0) zmq_msg_send(&task.frame, to_sinker, 0);
}

/// ENDPOINT COUNT
void sinker(const Words& words) {
    const Socket socket(ZMQ_PULL, zmq_bind, words[0]);
    Message result;
    for (const int n = std::stoi(words[1]); messages < n;)
        if (result.receive(socket) && number(result.bytes()) > 0) count();
}

/// SENDER CONTROL SINKER...: as in push-pull2, with one control.
void worker2(const Words& words) {
    std::vector<Socket> to_sinkers;
    for (size_t i = 2; i < words.size(); ++i)
        to_sinkers.push_back(Socket(ZMQ_PUSH, zmq_connect, words[i], {{ZMQ_SNDHWM, 0}}));
    const Socket control(ZMQ_SUB, zmq_connect, words[1]);
    Message message;
    message.receive(control);  // READY
    const Socket from_sender(ZMQ_PULL, zmq_connect, words[0]);
    zmq_pollitem_t items[] = {{control, 0, ZMQ_POLLIN, 0}, {from_sender, 0, ZMQ_POLLIN, 0}};
    while (zmq_poll(items, 2, -1) != -1) {
        if (items[0].revents != 0 && message.receive(control) && message.bytes() == "STOP") break;
        for (int n = 0; n < 100 && message.receive(from_sender, ZMQ_DONTWAIT); ++n) {
            const auto task = static_cast<size_t>(task_number(message.bytes()));
            if (task > 0) zmq_msg_send(&message.frame, to_sinkers[task % to_sinkers.size()], 0);
        }
    }
}

/// ENDPOINT CONTROL COUNT: as in push-pull2.
void sinker2(const Words& words) {
    const Socket from_workers(ZMQ_PULL, zmq_bind, words[0]);
    const Socket control(ZMQ_XPUB, zmq_bind, words[1], {{ZMQ_XPUB_VERBOSE, 1}});
    zmq_pollitem_t items[] = {{from_workers, 0, ZMQ_POLLIN, 0}, {control, 0, ZMQ_POLLIN, 0}};
    Message message;
    for (const int count_to = std::stoi(words[2]); messages < count_to;) {
        zmq_poll(items, 2, 5000);
        if (items[1].revents != 0 && message.receive(control) && message.bytes()[0] == 1)
            zmq_send(control, "READY", 5, 0);
        for (int n = 0; n < 1000 && messages < count_to; ++n) {
            if (!message.receive(from_workers, ZMQ_DONTWAIT)) break;
            if (task_number(message.bytes()) > 0) count();
        }
    }
    zmq_send(control, "STOP", 4, 0);
}

// Publishing --------------------------------------------------------------------------------------

void pub(const Words& words) {
    const Socket socket(ZMQ_PUB, zmq_bind, words[0]);
    for (int round = 1;; ++round) send(socket, "sub1: news " + std::to_string(round));
}

void pub_envelope(const Words& words) {
    const Socket socket(ZMQ_PUB, zmq_bind, words[0]);
    for (int round = 1;; ++round)
        for (const std::string key : {"A", "B"}) {
            send(socket, key, ZMQ_SNDMORE);
            send(socket, "letter " + std::to_string(round) + " to " + key);
        }
}

/// ENDPOINT COUNT PREFIX
void sub(const Words& words) {
    const Socket socket(ZMQ_SUB, zmq_connect, words[0], {}, words[2]);
    Message frame;
    for (const int n = std::stoi(words[1]); messages < n;)
        if (frame.receive(socket) && !frame.more()) count();
}

/// ENDPOINT COUNT: gathers the frames of each message.
void sub_envelope(const Words& words) {
    const Socket socket(ZMQ_SUB, zmq_connect, words[0]);
    Message frame;
    std::vector<std::string> frames;
    for (const int n = std::stoi(words[1]); messages < n; frames.clear()) {
        do frames.emplace_back(frame.receive(socket) ? frame.bytes() : "");
        while (frame.more());
        if (frames.size() == 2) count();
    }
}

/// ENDPOINT SYNC SUBSCRIBERS COUNT
void publish(const Words& words) {
    const Socket socket(ZMQ_XPUB, zmq_bind, words[0],
                        {{ZMQ_XPUB_VERBOSER, 1}, {ZMQ_XPUB_NODROP, 1}, {ZMQ_SNDHWM, 0}});
    const Socket sync(ZMQ_REP, zmq_bind, words[1]);
    for (int n = std::stoi(words[2]); n > 0; --n) {
        zmq_recv(socket, nullptr, 0, 0);
        zmq_recv(sync, nullptr, 0, 0);
        zmq_send(sync, nullptr, 0, 0);
    }
    for (int n = 1, last = std::stoi(words[3]); n <= last; ++n) send(socket, std::to_string(n));
    zmq_send(socket, "END", 3, 0);
}

/// ENDPOINT SYNC: counts up to END.
void updates(const Words& words) {
    const Socket socket(ZMQ_SUB, zmq_connect, words[0], {{ZMQ_RCVHWM, 0}});
    const Socket sync(ZMQ_REQ, zmq_connect, words[1]);
    zmq_send(sync, nullptr, 0, 0);
    Message update;
    while (update.receive(socket) && number(update.bytes()) == messages + 1) {
        count();
        const int patience = 5000;
        if (messages == 1) zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    }
}

// Proxies -----------------------------------------------------------------------------------------

/// FRONTEND BACKEND THREADS: also a server, with threads that answer.
void proxy(const Words& words) {
    const Socket frontend(ZMQ_ROUTER, zmq_bind, words[0]);
    const Socket backend(ZMQ_DEALER, zmq_bind, words[1]);
    for (int n = std::stoi(words[2]); n > 0; --n)
        std::thread([&] { answer(Socket(ZMQ_REP, zmq_connect, words[1])); }).detach();
    zmq_proxy(frontend, backend, nullptr);
}

/// FRONTEND BACKEND: forwards one message each way after each poll.
void one_by_one(const Words& words) {
    const Socket frontend(ZMQ_ROUTER, zmq_bind, words[0]);
    const Socket backend(ZMQ_DEALER, zmq_bind, words[1]);
    zmq_pollitem_t items[] = {{frontend, 0, ZMQ_POLLIN, 0}, {backend, 0, ZMQ_POLLIN, 0}};
    Message frame;
    while (zmq_poll(items, 2, -1) != -1)
        for (const int from : {0, 1})
            for (bool more = items[from].revents != 0; more;) {
                frame.receive(items[from].socket);
                more = frame.more();
                zmq_msg_send(&frame.frame, items[1 - from].socket, more ? ZMQ_SNDMORE : 0);
            }
}

/// ENDPOINT: sends each message back, with all its frames.
void echo(const Words& words) {
    const Socket socket(ZMQ_DEALER, zmq_connect, words[0]);
    Message frame;
    while (frame.receive(socket))
        zmq_msg_send(&frame.frame, socket, frame.more() ? ZMQ_SNDMORE : 0);
}

/// ENDPOINT COUNT: 400 requests in flight. With more than its high-water mark allows, a ROUTER
/// drops.
void flood(const Words& words) {
    const Socket socket(ZMQ_DEALER, zmq_connect, words[0]);
    const int n = std::stoi(words[1]);
    Message frame;
    for (int sent = 0; messages < n;) {
        for (; sent < std::min(messages + 400, n); ++sent) {
            zmq_send(socket, "", 0, ZMQ_SNDMORE);
            zmq_send(socket, "Hello", 5, 0);
        }
        if (frame.receive(socket) && !frame.more()) count();
    }
}

// Threads -----------------------------------------------------------------------------------------

/// STEPS: starts the last step first, as mt-ready does.
void steps(const Words& words) {
    const auto name = [](size_t n) { return "inproc://step-" + std::to_string(n); };
    std::vector<Socket> done;
    for (size_t n = 0; n < std::stoul(words[0]); ++n)
        done.emplace_back(ZMQ_PAIR, zmq_bind, name(n));
    std::vector<std::thread> threads;
    for (size_t n = done.size(); n-- > 0;)
        threads.emplace_back([&, n] {
            const Socket next(ZMQ_PAIR, zmq_connect, name(n));
            if (n > 0) zmq_recv(done[n - 1], nullptr, 0, 0);
            count_in_any_thread();
            zmq_send(next, nullptr, 0, 0);
        });
    zmq_recv(done.back(), nullptr, 0, 0);
    for (auto& thread : threads) thread.join();
}

/// ENDPOINT SIZE COUNT BURST COPY: messages one way, from a PUSH to a PULL in another thread, which
/// receives up to BURST of them after a poll. COPY 1: zmq_send copies the bytes; 0:
/// zmq_msg_init_data passes them on, and TCP or ipc copies them only into the kernel.
void cost(const Words& words) {
    const Socket pull(ZMQ_PULL, zmq_bind, words[0]);
    // Closed at the end: over ipc libzmq may lose the end of a stream whose sender leaves.
    const Socket push(ZMQ_PUSH, zmq_connect, pull.last_endpoint());
    std::string bytes(std::stoul(words[1]), 'x');  // all messages share these
    const int n = std::stoi(words[2]), burst = std::stoi(words[3]);
    std::thread sending([&, copy = words[4] == "1"] {
        for (int i = 0; i < n; ++i) {
            if (copy) {
                send(push, bytes);
                continue;
            }
            zmq_msg_t message;
            zmq_msg_init_data(&message, bytes.data(), bytes.size(), nullptr, nullptr);
            zmq_msg_send(&message, push, 0);
        }
    });
    zmq_pollitem_t item{pull, 0, ZMQ_POLLIN, 0};
    Message message;
    while (messages < n) {
        zmq_poll(&item, 1, -1);
        for (int i = 0; i < burst && message.receive(pull, ZMQ_DONTWAIT); ++i) count();
    }
    sending.join();
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const std::map<std::string, void (*)(const Words&)> roles = {{"rep", rep},
                                                                 {"rep-and-pipe", rep_and_pipe},
                                                                 {"req", req},
                                                                 {"curve-rep", curve_rep},
                                                                 {"curve-req", curve_req},
                                                                 {"sender", sender},
                                                                 {"worker", worker},
                                                                 {"sinker", sinker},
                                                                 {"worker2", worker2},
                                                                 {"sinker2", sinker2},
                                                                 {"pub", pub},
                                                                 {"pub-envelope", pub_envelope},
                                                                 {"sub", sub},
                                                                 {"sub-envelope", sub_envelope},
                                                                 {"publish", publish},
                                                                 {"updates", updates},
                                                                 {"proxy", proxy},
                                                                 {"one-by-one", one_by_one},
                                                                 {"echo", echo},
                                                                 {"flood", flood},
                                                                 {"steps", steps},
                                                                 {"cost", cost}};
    roles.at(argv[1])({argv + 2, argv + argc});
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("%d messages in %.6f s, %.0f/s\n", messages, seconds, messages / seconds);
    zmq_ctx_term(context);
    return 0;
}
