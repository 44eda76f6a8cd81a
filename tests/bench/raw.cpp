// The baseline of each program: bare calls of libzmq that do the same work. The same sockets with
// the options that the program itself sets, polled in the same way, and the same messages, built
// and read alike; without checks, Ctrl-C, output, and what common/ sets for every socket.
//
// Usage: bench-raw ROLE ENDPOINT... NUMBER...
// At the end it prints what the programs print: "N messages in S s, R/s". It takes the time as they
// do, from the first message that counts until its sockets are closed.
#include <unistd.h>
#include <zmq.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Words = std::vector<std::string>;  // what follows ROLE

void* const context = zmq_ctx_new();
std::vector<void*> sockets;  // main closes them
std::int64_t messages = 0;
std::chrono::steady_clock::time_point begin;

void start_clock() { begin = std::chrono::steady_clock::now(); }
void count() {
    if (messages++ == 0) start_clock();
}

void* open(int type) { return sockets.emplace_back(zmq_socket(context, type)); }

void set(void* socket, int option, int value) {
    zmq_setsockopt(socket, option, &value, sizeof value);
}

void listen(void* socket, const std::string& to) {
    char endpoint[1024];
    size_t size = sizeof endpoint;
    zmq_bind(socket, to.c_str());
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    std::printf("listening on %s\n", endpoint);
}

void* bound(int type, const std::string& endpoint) {
    void* const socket = open(type);
    listen(socket, endpoint);
    return socket;
}

void* connected(int type, const std::string& endpoint) {
    void* const socket = open(type);
    zmq_connect(socket, endpoint.c_str());
    return socket;
}

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

int number(std::string_view digits) {
    int value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

/// Of a task of push-pull2, after the name of its sender.
int task_number(std::string_view task) { return number(task.substr(task.rfind(' ') + 1)); }

// Round trips -------------------------------------------------------------------------------------

void answer(void* socket) {
    Message request;
    while (request.receive(socket)) zmq_send(socket, "World", 5, 0);
}

void rep(const Words& words) { answer(bound(ZMQ_REP, words[0])); }

/// Polls a pipe, too, as interrupt does.
void rep_and_pipe(const Words& words) {
    void* const socket = bound(ZMQ_REP, words[0]);
    int ends[2];
    if (pipe(ends) == -1) throw std::runtime_error("pipe");
    zmq_pollitem_t items[] = {{socket, 0, ZMQ_POLLIN, 0}, {nullptr, ends[0], ZMQ_POLLIN, 0}};
    Message request;
    while (zmq_poll(items, 2, -1) != -1)
        if (request.receive(socket, ZMQ_DONTWAIT)) zmq_send(socket, "World", 5, 0);
}

void ask(void* socket, int n) {
    Message reply;
    for (; n > 0; --n) {
        zmq_send(socket, "Hello", 5, 0);
        reply.receive(socket);
    }
}

/// ENDPOINT COUNT [TIMEOUT]
void req(const Words& words) {
    void* const socket = open(ZMQ_REQ);
    if (words.size() > 2)
        for (const int option : {ZMQ_SNDTIMEO, ZMQ_RCVTIMEO})
            set(socket, option, std::stoi(words[2]));
    zmq_connect(socket, words[0].c_str());
    messages = std::stoi(words[1]);
    ask(socket, 1);
    start_clock();
    ask(socket, static_cast<int>(messages) - 1);
}

// Pipelines ---------------------------------------------------------------------------------------

/// ENDPOINT COUNT WORKERS [NAME]: waits for the workers; tasks are numbers, after a name if any.
void sender(const Words& words) {
    void* const socket = open(ZMQ_PUSH);
    zmq_socket_monitor(socket, "inproc://events", ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    void* const events = connected(ZMQ_PAIR, "inproc://events");
    listen(socket, words[0]);
    for (int frames = 2 * std::stoi(words[2]); frames > 0; --frames)
        zmq_recv(events, nullptr, 0, 0);
    zmq_socket_monitor(socket, nullptr, 0);
    int ready = 0;
    size_t size = sizeof ready;
    zmq_getsockopt(socket, ZMQ_EVENTS, &ready, &size);  // takes in all that are connected
    for (int task = 1, n = std::stoi(words[1]); task <= n; ++task) {
        const std::string text =
            words.size() > 3 ? words[3] + " " + std::to_string(task) : std::to_string(task);
        zmq_send(socket, text.data(), text.size(), 0);
    }
}

/// SENDER SINKER
void worker(const Words& words) {
    void* const to_sinker = connected(ZMQ_PUSH, words[1]);
    void* const from_sender = connected(ZMQ_PULL, words[0]);
    Message task;
    while (task.receive(from_sender))
        if (number(task.bytes()) > 0) zmq_msg_send(&task.frame, to_sinker, 0);
}

/// ENDPOINT COUNT
void sinker(const Words& words) {
    void* const socket = bound(ZMQ_PULL, words[0]);
    Message result;
    for (const int n = std::stoi(words[1]); messages < n;)
        if (result.receive(socket) && number(result.bytes()) > 0) count();
}

/// SENDER [SINKER CONTROL]...: as in push-pull2.
void worker2(const Words& words) {
    std::vector<void*> to_sinkers, controls;
    for (size_t i = 1; i < words.size(); i += 2) {
        to_sinkers.push_back(open(ZMQ_PUSH));
        set(to_sinkers.back(), ZMQ_SNDHWM, 0);
        zmq_connect(to_sinkers.back(), words[i].c_str());
        controls.push_back(open(ZMQ_SUB));
        zmq_setsockopt(controls.back(), ZMQ_SUBSCRIBE, "", 0);
        zmq_connect(controls.back(), words[i + 1].c_str());
    }
    Message message;
    std::vector<zmq_pollitem_t> items;
    for (void* const control : controls) {
        message.receive(control);  // READY
        items.push_back({control, 0, ZMQ_POLLIN, 0});
    }
    void* const from_sender = connected(ZMQ_PULL, words[0]);
    items.push_back({from_sender, 0, ZMQ_POLLIN, 0});
    for (size_t stopped = 0; stopped < controls.size();) {
        zmq_poll(items.data(), static_cast<int>(items.size()), -1);
        for (size_t i = 0; i < controls.size(); ++i)
            if (items[i].revents != 0 && message.receive(controls[i]) && message.bytes() == "STOP")
                ++stopped;
        for (int n = 0; n < 100 && message.receive(from_sender, ZMQ_DONTWAIT); ++n) {
            const auto task = static_cast<size_t>(task_number(message.bytes()));
            if (task > 0) zmq_msg_send(&message.frame, to_sinkers[task % to_sinkers.size()], 0);
        }
    }
}

/// ENDPOINT CONTROL COUNT: as in push-pull2.
void sinker2(const Words& words) {
    void* const from_workers = bound(ZMQ_PULL, words[0]);
    void* const control = open(ZMQ_XPUB);
    set(control, ZMQ_XPUB_VERBOSE, 1);
    listen(control, words[1]);
    zmq_pollitem_t items[] = {{from_workers, 0, ZMQ_POLLIN, 0}, {control, 0, ZMQ_POLLIN, 0}};
    Message message;
    for (const int count_to = std::stoi(words[2]); messages < count_to;) {
        if (zmq_poll(items, 2, 5000) == 0) break;
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
    void* const socket = bound(ZMQ_PUB, words[0]);
    for (int round = 1;; ++round) {
        const std::string message = "sub1: news " + std::to_string(round);
        zmq_send(socket, message.data(), message.size(), 0);
    }
}

void pub_envelope(const Words& words) {
    void* const socket = bound(ZMQ_PUB, words[0]);
    for (int round = 1;; ++round)
        for (const std::string key : {"A", "B"}) {
            const std::string content = "letter " + std::to_string(round) + " to " + key;
            zmq_send(socket, key.data(), key.size(), ZMQ_SNDMORE);
            zmq_send(socket, content.data(), content.size(), 0);
        }
}

/// ENDPOINT COUNT PREFIX
void sub(const Words& words) {
    void* const socket = open(ZMQ_SUB);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, words[2].data(), words[2].size());
    zmq_connect(socket, words[0].c_str());
    Message frame;
    for (const int n = std::stoi(words[1]); messages < n;)
        if (frame.receive(socket) && !frame.more()) count();
}

/// ENDPOINT COUNT: gathers the frames of each message.
void sub_envelope(const Words& words) {
    void* const socket = open(ZMQ_SUB);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    zmq_connect(socket, words[0].c_str());
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
    void* const socket = open(ZMQ_XPUB);
    set(socket, ZMQ_XPUB_VERBOSER, 1);
    set(socket, ZMQ_XPUB_NODROP, 1);
    set(socket, ZMQ_SNDHWM, 0);
    listen(socket, words[0]);
    void* const sync = bound(ZMQ_REP, words[1]);
    for (int n = std::stoi(words[2]); n > 0; --n) {
        zmq_recv(socket, nullptr, 0, 0);
        zmq_recv(sync, nullptr, 0, 0);
        zmq_send(sync, nullptr, 0, 0);
    }
    for (int n = 1, last = std::stoi(words[3]); n <= last; ++n) {
        const std::string update = std::to_string(n);
        zmq_send(socket, update.data(), update.size(), 0);
    }
    zmq_send(socket, "END", 3, 0);
}

/// ENDPOINT SYNC: counts up to END.
void updates(const Words& words) {
    void* const socket = open(ZMQ_SUB);
    set(socket, ZMQ_RCVHWM, 0);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    zmq_connect(socket, words[0].c_str());
    zmq_send(connected(ZMQ_REQ, words[1]), nullptr, 0, 0);
    Message update;
    while (update.receive(socket) && number(update.bytes()) == messages + 1) {
        count();
        if (messages == 1) set(socket, ZMQ_RCVTIMEO, 5000);
    }
}

// Proxies -----------------------------------------------------------------------------------------

/// FRONTEND BACKEND: forwards one message each way after each poll.
void one_by_one(const Words& words) {
    void* const frontend = bound(ZMQ_ROUTER, words[0]);
    void* const backend = bound(ZMQ_DEALER, words[1]);
    zmq_pollitem_t items[] = {{frontend, 0, ZMQ_POLLIN, 0}, {backend, 0, ZMQ_POLLIN, 0}};
    Message frame;
    const auto forward = [&frame](void* from, void* to) {
        bool more = true;
        while (more) {
            frame.receive(from);
            more = frame.more();
            zmq_msg_send(&frame.frame, to, more ? ZMQ_SNDMORE : 0);
        }
    };
    while (zmq_poll(items, 2, -1) != -1) {
        if (items[0].revents != 0) forward(frontend, backend);
        if (items[1].revents != 0) forward(backend, frontend);
    }
}

/// FRONTEND BACKEND
void bare_proxy(const Words& words) {
    void* const frontend = bound(ZMQ_ROUTER, words[0]);
    zmq_proxy(frontend, bound(ZMQ_DEALER, words[1]), nullptr);
}

/// ENDPOINT: sends each message back, with all its frames.
void echo(const Words& words) {
    void* const socket = connected(ZMQ_DEALER, words[0]);
    Message frame;
    while (frame.receive(socket))
        zmq_msg_send(&frame.frame, socket, frame.more() ? ZMQ_SNDMORE : 0);
}

/// ENDPOINT COUNT: 400 requests in flight. With more than its high-water mark allows, a ROUTER
/// drops.
void flood(const Words& words) {
    void* const socket = connected(ZMQ_DEALER, words[0]);
    const int n = std::stoi(words[1]);
    int sent = 0;
    const auto request = [&] {
        if (++sent > n) return;
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
        zmq_send(socket, "Hello", 5, 0);
    };
    while (sent < 400) request();
    Message frame;
    while (messages < n)
        if (frame.receive(socket) && !frame.more()) {
            count();
            request();
        }
}

// Threads -----------------------------------------------------------------------------------------

/// ENDPOINT THREADS
void mt_server(const Words& words) {
    void* const frontend = bound(ZMQ_ROUTER, words[0]);
    void* const backend = open(ZMQ_DEALER);
    zmq_bind(backend, "inproc://workers");
    for (int n = std::stoi(words[1]); n > 0; --n)
        std::thread([] {
            void* const socket = zmq_socket(context, ZMQ_REP);
            zmq_connect(socket, "inproc://workers");
            answer(socket);
        }).detach();
    zmq_proxy(frontend, backend, nullptr);
}

/// ENDPOINT CLIENTS COUNT
void mt_client(const Words& words) {
    const int clients = std::stoi(words[1]), each = std::stoi(words[2]);
    messages = std::int64_t{clients} * each;
    std::once_flag first;
    std::vector<std::thread> threads;
    for (int n = clients; n > 0; --n)
        threads.emplace_back([&] {
            void* const socket = zmq_socket(context, ZMQ_REQ);
            zmq_connect(socket, words[0].c_str());
            ask(socket, 1);
            std::call_once(first, start_clock);
            ask(socket, each - 1);
            zmq_close(socket);
        });
    for (auto& thread : threads) thread.join();
}

/// STEPS
void steps(const Words& words) {
    messages = std::stoi(words[0]);
    const auto name = [](size_t n) { return "inproc://step-" + std::to_string(n); };
    std::vector<void*> done;
    for (size_t n = 0; n < static_cast<size_t>(messages); ++n) {
        done.push_back(open(ZMQ_PAIR));
        zmq_bind(done.back(), name(n).c_str());
    }
    std::vector<std::thread> threads;
    for (size_t n = done.size(); n-- > 0;)
        threads.emplace_back([&, n] {
            void* const next = zmq_socket(context, ZMQ_PAIR);
            zmq_connect(next, name(n).c_str());
            if (n == 0)
                start_clock();
            else
                zmq_recv(done[n - 1], nullptr, 0, 0);
            zmq_send(next, nullptr, 0, 0);
            zmq_close(next);
        });
    zmq_recv(done.back(), nullptr, 0, 0);
    for (auto& thread : threads) thread.join();
}

// What costs what ---------------------------------------------------------------------------------

/// TRANSPORT SIZE COUNT BURSTS COPY: one way, from a PUSH to a PULL in another thread. BURSTS 1:
/// after each poll receives until nothing is there; 0: one message a poll. COPY 1: zmq_send copies
/// the bytes; 0: zmq_msg_init_data passes them on, and TCP or ipc copies them only into the kernel.
void cost(const Words& words) {
    void* const pull = bound(ZMQ_PULL, words[0]);
    char endpoint[1024];
    size_t length = sizeof endpoint;
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &length);
    const int n = std::stoi(words[2]);
    const bool bursts = words[3] == "1", copy = words[4] == "1";
    std::string bytes(std::stoul(words[1]), 'x');  // all messages share these
    // Closed at the end: over ipc libzmq may lose the end of a stream whose sender leaves.
    void* const push = connected(ZMQ_PUSH, endpoint);
    std::thread sending([&] {
        for (int i = 0; i < n; ++i) {
            zmq_msg_t message;
            if (copy) {
                zmq_send(push, bytes.data(), bytes.size(), 0);
            } else {
                zmq_msg_init_data(&message, bytes.data(), bytes.size(), nullptr, nullptr);
                zmq_msg_send(&message, push, 0);
            }
        }
    });
    zmq_pollitem_t item{pull, 0, ZMQ_POLLIN, 0};
    Message message;
    while (messages < n) {
        zmq_poll(&item, 1, -1);
        do {
            if (!message.receive(pull, ZMQ_DONTWAIT)) break;
            count();
        } while (bursts);
    }
    sending.join();
}

}  // namespace

int main(int argc, char** argv) try {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const std::map<std::string, std::function<void(const Words&)>> roles = {
        {"rep", rep},
        {"rep-and-pipe", rep_and_pipe},
        {"req", req},
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
        {"one-by-one", one_by_one},
        {"bare-proxy", bare_proxy},
        {"echo", echo},
        {"flood", flood},
        {"mt-server", mt_server},
        {"mt-client", mt_client},
        {"steps", steps},
        {"cost", cost}};
    start_clock();
    roles.at(argv[1])({argv + 2, argv + argc});
    for (void* const socket : sockets) zmq_close(socket);
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    std::printf("%lld messages in %.6f s, %.0f/s\n", static_cast<long long>(messages),
                passed.count(), static_cast<double>(messages) / passed.count());
    zmq_ctx_term(context);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "raw: %s\n", error.what());
    return 2;
}
