// The baseline of each program: the same work with the bare calls of libzmq, without options,
// checks or output. It waits for its peers and has no high-water mark where nothing may be lost.
//
// Usage: bench-raw ROLE ENDPOINT... NUMBER...
// A role that ends prints what the programs print: "N messages in S s, R/s". The others are killed.
#include <zmq.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tcp.hpp"

namespace {

/// The words after the role.
struct Words {
    std::vector<std::string> all;
    const char* text(size_t i) const { return all.at(i).c_str(); }
    int number(size_t i) const { return std::stoi(all.at(i)); }
};

class Clock {
 public:
    void start() { start_ = std::chrono::steady_clock::now(); }
    void print(std::int64_t count) const {
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
        std::printf("%lld messages in %.6f s, %.0f/s\n", static_cast<long long>(count),
                    passed.count(), static_cast<double>(count) / passed.count());
    }

 private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void set(void* socket, int option, int value) {
    zmq_setsockopt(socket, option, &value, sizeof value);
}

void listening(void* socket) {
    char endpoint[1024];
    size_t size = sizeof endpoint;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    std::printf("listening on %s\n", endpoint);
}

void* bound(void* context, int type, const char* endpoint) {
    void* const socket = zmq_socket(context, type);
    zmq_bind(socket, endpoint);
    listening(socket);
    return socket;
}

void* connected(void* context, int type, const char* endpoint) {
    void* const socket = zmq_socket(context, type);
    zmq_connect(socket, endpoint);
    return socket;
}

/// Receives until `count` frames have counted; the clock runs from the first one on. Then ends.
template <class Counts>
void take(void* context, void* socket, int count, const Counts& counts) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    Clock clock;
    for (int n = 0; n < count;) {
        zmq_msg_recv(&frame, socket, 0);
        if (counts(&frame) && n++ == 0) clock.start();
    }
    clock.print(count);
    zmq_msg_close(&frame);
    zmq_close(socket);
    zmq_ctx_term(context);
}

// Round trips
// --------------------------------------------------------------------------------------

void answer(void* socket) {
    zmq_msg_t request;
    zmq_msg_init(&request);
    while (zmq_msg_recv(&request, socket, 0) != -1) zmq_send(socket, "World", 5, 0);
}

void rep(const Words& words) { answer(bound(zmq_ctx_new(), ZMQ_REP, words.text(0))); }

void ask(void* socket, int count) {
    zmq_msg_t reply;
    zmq_msg_init(&reply);
    for (int n = 0; n < count; ++n) {
        zmq_send(socket, "Hello", 5, 0);
        zmq_msg_recv(&reply, socket, 0);
    }
    zmq_msg_close(&reply);
}

/// ENDPOINT COUNT
void req(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const socket = connected(context, ZMQ_REQ, words.text(0));
    const Clock clock;
    ask(socket, words.number(1));
    clock.print(words.number(1));
    zmq_close(socket);
    zmq_ctx_term(context);
}

/// TCP without libzmq.
void tcp_server(const Words&) {
    const Listener listener;
    std::printf("listening on %s\n", listener.endpoint().c_str());
    RawPeer peer = listener.take();
    while (peer.receive_some(5) == "Hello") peer.send("World");
}

/// ENDPOINT COUNT
void tcp_client(const Words& words) {
    const int count = words.number(1);
    const Clock clock;
    RawPeer peer(words.text(0));
    for (int n = 0; n < count; ++n) {
        peer.send("Hello");
        peer.receive(5);
    }
    clock.print(count);
}

// Pipelines
// ----------------------------------------------------------------------------------------

/// Binds `socket`, and returns when that many peers are connected.
void bind_and_wait(void* context, void* socket, const char* endpoint, int peers) {
    zmq_socket_monitor(socket, "inproc://events", ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    void* const events = connected(context, ZMQ_PAIR, "inproc://events");
    zmq_bind(socket, endpoint);
    listening(socket);
    char frame[1024];
    for (; peers > 0; --peers) {
        zmq_recv(events, frame, sizeof frame, 0);
        zmq_recv(events, frame, sizeof frame, 0);
    }
    zmq_socket_monitor(socket, nullptr, 0);
    zmq_close(events);
    int ready = 0;
    size_t size = sizeof ready;
    zmq_getsockopt(socket, ZMQ_EVENTS, &ready, &size);  // takes in all that are connected
}

/// ENDPOINT COUNT WORKERS [NAME]: the same messages as the programs send.
void sender(const Words& words) {
    const std::string name = words.all.size() > 3 ? words.text(3) + std::string(" ") : "";
    void* const context = zmq_ctx_new();
    void* const socket = zmq_socket(context, ZMQ_PUSH);
    bind_and_wait(context, socket, words.text(0), words.number(2));
    for (int task = 1, count = words.number(1); task <= count; ++task) {
        const std::string text = name + std::to_string(task);
        zmq_send(socket, text.data(), text.size(), 0);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
}

/// The number at the end of the message, after a space if there is one.
int number_of(zmq_msg_t* message) {
    const std::string_view text(static_cast<const char*>(zmq_msg_data(message)),
                                zmq_msg_size(message));
    int number = 0;
    std::from_chars(text.data() + text.rfind(' ') + 1, text.data() + text.size(), number);
    return number;
}

/// SENDER SINKER: passes tasks on, and reads the number of each, as the programs do.
void worker(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const to_sinker = connected(context, ZMQ_PUSH, words.text(1));
    void* const from_sender = connected(context, ZMQ_PULL, words.text(0));
    zmq_msg_t task;
    zmq_msg_init(&task);
    while (zmq_msg_recv(&task, from_sender, 0) != -1)
        if (number_of(&task) > 0) zmq_msg_send(&task, to_sinker, 0);
}

/// ENDPOINT COUNT: reads the number of each result, as the programs do.
void sinker(const Words& words) {
    void* const context = zmq_ctx_new();
    take(context, bound(context, ZMQ_PULL, words.text(0)), words.number(1),
         [](zmq_msg_t* result) { return number_of(result) > 0; });
}

// Publishing
// ---------------------------------------------------------------------------------------

/// ENDPOINT SIZE FRAMES: publishes until it is killed.
void pub(const Words& words) {
    void* const socket = bound(zmq_ctx_new(), ZMQ_PUB, words.text(0));
    std::string message(static_cast<size_t>(words.number(1)), 'x');
    message[0] = 's';
    while (true) {
        if (words.number(2) == 2) zmq_send(socket, "s", 1, ZMQ_SNDMORE);
        zmq_send(socket, message.data(), message.size(), 0);
    }
}

/// ENDPOINT COUNT
void sub(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const socket = zmq_socket(context, ZMQ_SUB);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "s", 1);
    zmq_connect(socket, words.text(0));
    take(context, socket, words.number(1),
         [](zmq_msg_t* frame) { return zmq_msg_more(frame) == 0; });
}

/// ENDPOINT SUBSCRIBERS COUNT: numbered updates to all of them; none is dropped.
void publish(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const socket = zmq_socket(context, ZMQ_XPUB);
    set(socket, ZMQ_XPUB_VERBOSE, 1);
    set(socket, ZMQ_SNDHWM, 0);
    zmq_bind(socket, words.text(0));
    listening(socket);
    char subscription[16];
    for (int n = words.number(1); n > 0; --n)
        zmq_recv(socket, subscription, sizeof subscription, 0);
    for (int n = 1; n <= words.number(2); ++n) {
        const std::string update = std::to_string(n);
        zmq_send(socket, update.data(), update.size(), 0);
    }
    zmq_send(socket, "END", 3, 0);
    zmq_close(socket);
    zmq_ctx_term(context);
}

/// ENDPOINT: counts up to END, and reads the number of each update, as the program does.
void updates(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const socket = zmq_socket(context, ZMQ_SUB);
    set(socket, ZMQ_RCVHWM, 0);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    zmq_connect(socket, words.text(0));
    Clock clock;
    zmq_msg_t update;
    zmq_msg_init(&update);
    int count = 0;
    while (zmq_msg_recv(&update, socket, 0) != -1 && number_of(&update) == count + 1)
        if (count++ == 0) clock.start();
    clock.print(count);
    zmq_msg_close(&update);
    zmq_close(socket);
    zmq_ctx_term(context);
}

// Proxies
// ------------------------------------------------------------------------------------------

/// FRONTEND BACKEND: forwards one message for each poll.
void one_by_one(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const frontend = bound(context, ZMQ_ROUTER, words.text(0));
    void* const backend = bound(context, ZMQ_DEALER, words.text(1));
    zmq_pollitem_t items[] = {{frontend, 0, ZMQ_POLLIN, 0}, {backend, 0, ZMQ_POLLIN, 0}};
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    const auto forward = [&frame](void* from, void* to) {
        int more = 1;
        while (more == 1) {
            zmq_msg_recv(&frame, from, 0);
            more = zmq_msg_more(&frame);
            zmq_msg_send(&frame, to, more == 1 ? ZMQ_SNDMORE : 0);
        }
    };
    while (zmq_poll(items, 2, -1) != -1) {
        if (items[0].revents != 0) forward(frontend, backend);
        if (items[1].revents != 0) forward(backend, frontend);
    }
}

/// FRONTEND BACKEND: zmq_proxy and nothing else.
void bare_proxy(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const frontend = bound(context, ZMQ_ROUTER, words.text(0));
    zmq_proxy(frontend, bound(context, ZMQ_DEALER, words.text(1)), nullptr);
}

/// ENDPOINT: sends each message back, with all its frames.
void echo(const Words& words) {
    void* const socket = connected(zmq_ctx_new(), ZMQ_DEALER, words.text(0));
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, socket, 0) != -1)
        zmq_msg_send(&frame, socket, zmq_msg_more(&frame) == 1 ? ZMQ_SNDMORE : 0);
}

/// ENDPOINT CLIENTS FLIGHT COUNT SIZE: as many connections as clients, over all of them FLIGHT
/// requests without a reply at any time. The clock runs from the first reply on.
void flood(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const socket = zmq_socket(context, ZMQ_DEALER);
    for (int n = words.number(1); n > 0; --n) zmq_connect(socket, words.text(0));
    const std::string body(static_cast<size_t>(words.number(4)), 'x');
    const auto request = [&] {
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
        zmq_send(socket, body.data(), body.size(), 0);
    };
    const int flight = words.number(2), count = words.number(3);
    int sent = 0;
    for (; sent < flight && sent < count; ++sent) request();
    take(context, socket, count, [&](zmq_msg_t* frame) {
        if (zmq_msg_more(frame) == 1) return false;
        if (sent < count) {
            request();
            ++sent;
        }
        return true;
    });
}

// Threads
// ------------------------------------------------------------------------------------------

/// ENDPOINT THREADS
void mt_server(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const frontend = zmq_socket(context, ZMQ_ROUTER);
    void* const backend = zmq_socket(context, ZMQ_DEALER);
    zmq_bind(backend, "inproc://workers");
    zmq_bind(frontend, words.text(0));
    listening(frontend);
    std::vector<std::thread> threads;
    for (int n = words.number(1); n > 0; --n)
        threads.emplace_back(
            [context] { answer(connected(context, ZMQ_REP, "inproc://workers")); });
    zmq_proxy(frontend, backend, nullptr);
}

/// ENDPOINT CLIENTS COUNT
void mt_client(const Words& words) {
    void* const context = zmq_ctx_new();
    const int clients = words.number(1), count = words.number(2);
    std::vector<std::thread> threads;
    const Clock clock;
    for (int n = clients; n > 0; --n)
        threads.emplace_back([&, context] {
            void* const socket = connected(context, ZMQ_REQ, words.text(0));
            ask(socket, count);
            zmq_close(socket);
        });
    for (auto& thread : threads) thread.join();
    clock.print(std::int64_t{clients} * count);
    zmq_ctx_term(context);
}

/// STEPS
void steps(const Words& words) {
    void* const context = zmq_ctx_new();
    Clock clock;  // from the first step on, as in the program
    const int count = words.number(0);
    const auto name = [](int n) { return "inproc://step-" + std::to_string(n); };
    std::vector<void*> done(1);
    for (int n = 1; n <= count; ++n) {
        done.push_back(zmq_socket(context, ZMQ_PAIR));
        zmq_bind(done.back(), name(n).c_str());
    }
    std::vector<std::thread> threads;
    for (int n = count; n >= 1; --n)
        threads.emplace_back([&, n] {
            void* const next = connected(context, ZMQ_PAIR, name(n).c_str());
            if (n > 1)
                zmq_recv(done[static_cast<size_t>(n - 1)], nullptr, 0, 0);
            else
                clock.start();
            zmq_send(next, nullptr, 0, 0);
            zmq_close(next);
        });
    zmq_recv(done.back(), nullptr, 0, 0);
    for (auto& thread : threads) thread.join();
    for (void* const socket : done)
        if (socket != nullptr) zmq_close(socket);
    clock.print(count);
    zmq_ctx_term(context);
}

// What costs what
// ----------------------------------------------------------------------------------

/// TRANSPORT SIZE COUNT BURSTS COPY: one way, from a PUSH to a PULL in another thread. BURSTS 1:
/// after each poll receives until nothing is there; 0: one message a poll. COPY 1: zmq_send copies
/// the bytes; 0: zmq_msg_init_data passes them on, and TCP or ipc copies them only into the kernel.
void cost(const Words& words) {
    void* const context = zmq_ctx_new();
    void* const pull = zmq_socket(context, ZMQ_PULL);
    char endpoint[1024];
    size_t length = sizeof endpoint;
    zmq_bind(pull, words.text(0));
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &length);
    const auto size = static_cast<size_t>(words.number(1));
    const int count = words.number(2);
    const bool bursts = words.number(3) == 1, copy = words.number(4) == 1;
    std::string bytes(size, 'x');  // all messages share these
    // Closed at the end: over ipc libzmq may lose the end of a stream whose sender leaves.
    void* const push = connected(context, ZMQ_PUSH, endpoint);
    std::thread sender([&] {
        for (int n = 0; n < count; ++n) {
            if (copy) {
                zmq_send(push, bytes.data(), size, 0);
                continue;
            }
            zmq_msg_t message;
            zmq_msg_init_data(&message, bytes.data(), size, nullptr, nullptr);
            zmq_msg_send(&message, push, 0);
        }
    });
    zmq_pollitem_t item{pull, 0, ZMQ_POLLIN, 0};
    zmq_msg_t message;
    zmq_msg_init(&message);
    Clock clock;
    for (int n = 0; n < count;) {
        zmq_poll(&item, 1, -1);
        while (zmq_msg_recv(&message, pull, ZMQ_DONTWAIT) != -1) {
            if (n++ == 0) clock.start();
            if (!bursts) break;
        }
    }
    clock.print(count);
    sender.join();
    zmq_close(push);
    zmq_msg_close(&message);
    zmq_close(pull);
    zmq_ctx_term(context);
}

}  // namespace

int main(int argc, char** argv) try {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const std::map<std::string, std::function<void(const Words&)>> roles = {
        {"rep", rep},
        {"req", req},
        {"tcp-server", tcp_server},
        {"tcp-client", tcp_client},
        {"sender", sender},
        {"worker", worker},
        {"sinker", sinker},
        {"pub", pub},
        {"sub", sub},
        {"publish", publish},
        {"updates", updates},
        {"one-by-one", one_by_one},
        {"bare-proxy", bare_proxy},
        {"echo", echo},
        {"flood", flood},
        {"mt-server", mt_server},
        {"mt-client", mt_client},
        {"steps", steps},
        {"cost", cost}};
    roles.at(argv[1])({std::vector<std::string>(argv + 2, argv + argc)});
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "raw: %s\n", error.what());
    return 2;
}
