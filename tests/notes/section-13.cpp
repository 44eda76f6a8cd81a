// Section 13 of the notes: threads.
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "notes.hpp"

namespace notes {

namespace {

/// A worker, for a thread or a process. It needs only endpoints.
void double_each_number(const std::string& source, const std::string& sink) {
    const Context context;
    Socket pull(context, ZMQ_PULL), push(context, ZMQ_PUSH);
    pull.connect(source);
    push.set(ZMQ_LINGER, -1).connect(sink);
    for (int i = 0; i < 3; ++i) send(push, {std::to_string(2 * std::stoi(receive(pull)[0]))});
}

/// Serves requests, as the only thread of a server or as one of its workers.
void serve(void* rep, const std::string& name) {
    try {
        while (true) {
            const Frames request = receive(rep);
            send(rep, {"reply to " + request.at(0), name});
        }
    } catch (const std::exception&) {  // the context has ended
    }
}

/// The multi-threaded server without its workers.
struct Server {
    Context context;
    Socket router{context, ZMQ_ROUTER}, dealer{context, ZMQ_DEALER};
    std::string endpoint = router.bind(any_port);
    std::vector<std::unique_ptr<Socket>> workers;
    std::vector<std::thread> threads;

    explicit Server(int size) {
        dealer.bind("inproc://workers");
        for (int i = 0; i < size; ++i) {
            workers.push_back(std::make_unique<Socket>(context, ZMQ_REP));
            workers.back()->connect("inproc://workers");
        }
        REQUIRE(poll(dealer, ZMQ_POLLOUT) == ZMQ_POLLOUT);  // it has workers
    }
    ~Server() {
        zmq_ctx_shutdown(context);
        for (auto& thread : threads) thread.join();
    }
    void start_proxy() {
        threads.emplace_back([this] { zmq_proxy(router, dealer, nullptr); });
    }
    void start_workers() {
        for (size_t i = 0; i < workers.size(); ++i)
            threads.emplace_back([this, i] { serve(*workers[i], std::to_string(i)); });
    }
};

std::vector<std::unique_ptr<Socket>> clients(void* context, int type, int size,
                                             const std::string& endpoint) {
    std::vector<std::unique_ptr<Socket>> all;
    for (int i = 0; i < size; ++i) {
        all.push_back(std::make_unique<Socket>(context, type));
        all.back()->connect(endpoint);
    }
    return all;
}

}  // namespace

// 13.1: the rules --------------------------------------------------------------------------------

TEST_CASE("13.1.1: a context may be used by many threads at once", "[notes]") {
    const Context context;
    check(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 10'000));
    std::atomic<int> arrived{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 50; ++i) {
                const std::string name =
                    "inproc://" + std::to_string(thread) + "-" + std::to_string(i);
                Socket near(context, ZMQ_PAIR), far(context, ZMQ_PAIR);
                near.bind(name);
                far.connect(name);
                send(far, {name});
                if (receive(near) == Frames{name} && zmq_ctx_get(context, ZMQ_IO_THREADS) == 1)
                    ++arrived;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(arrived == 8 * 50);
}

TEST_CASE("13.1.1: threads may share an atomic counter too", "[notes]") {
    void* counter = zmq_atomic_counter_new();
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([counter] {
            for (int i = 0; i < 10'000; ++i) zmq_atomic_counter_inc(counter);
        });
    for (auto& thread : threads) thread.join();
    CHECK(zmq_atomic_counter_value(counter) == 40'000);
    zmq_atomic_counter_destroy(&counter);
}

TEST_CASE("13.1.2: an inproc name belongs to one context and a connect in another silently waits",
          "[notes]") {
    const Context here, there;
    Socket pull(here, ZMQ_PULL), push(there, ZMQ_PUSH);
    pull.bind("inproc://name");
    CHECK(zmq_connect(push, "inproc://name") == 0);
    CHECK(zmq_send(push, "a", 1, 0) == 1);
    CHECK(poll(pull, ZMQ_POLLIN, a_while) == 0);
    Socket same_name(there, ZMQ_PULL);
    same_name.bind("inproc://name");
    CHECK(receive(same_name) == Frames{"a"});  // the connect was waiting for this one
    CHECK(poll(pull, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("13.1.2: threads with the same context connect over inproc", "[notes]") {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    pull.bind("inproc://name");
    std::thread other([&context] {
        Socket push(context, ZMQ_PUSH);
        push.set(ZMQ_LINGER, -1).connect("inproc://name");
        send(push, {"from another thread"});
    });
    CHECK(receive(pull) == Frames{"from another thread"});
    other.join();
}

TEST_CASE("13.1.2: within one context an inproc name can be bound only once", "[notes]") {
    const Context context;
    Socket first(context, ZMQ_PULL), second(context, ZMQ_PULL);
    first.bind("inproc://name");
    CHECK(error_of(zmq_bind(second, "inproc://name")) == EADDRINUSE);
}

TEST_CASE("13.1.2: inproc needs no I/O thread and tcp needs one", "[notes]") {
    const Context context;
    check(zmq_ctx_set(context, ZMQ_IO_THREADS, 0));
    Socket pull(context, ZMQ_PULL), push(context, ZMQ_PUSH);
    pull.bind("inproc://name");
    push.connect("inproc://name");
    send(push, {"a"});
    CHECK(receive(pull) == Frames{"a"});
    CHECK(error_of(zmq_bind(pull, any_port.c_str())) == EMTHREAD);
    CHECK(error_of(zmq_connect(push, "tcp://127.0.0.1:1")) == EMTHREAD);
}

TEST_CASE("13.1.3: a worker thread with its own context also runs as a process unchanged",
          "[notes]") {
    const Folder folder;
    const std::string source = folder.endpoint("source"), sink = folder.endpoint("sink");
    // The process comes first, so that the fork has no threads.
    Child process([&](const auto& /*report*/) { double_each_number(source, sink); });
    const auto gives_three_results = [&] {
        const Context context;
        Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
        push.bind(source);
        pull.bind(sink);
        for (const auto* number : {"1", "2", "3"}) send(push, {number});
        for (const auto* twice : {"2", "4", "6"}) CHECK(receive(pull) == Frames{twice});
    };
    gives_three_results();
    CHECK(process.wait() == 0);
    std::thread thread([&] { double_each_number(source, sink); });
    gives_three_results();
    thread.join();
}

TEST_CASE("13.1.4: no socket type of the stable API is thread-safe", "[notes]") {
    const Context context;
    for (const int type : {ZMQ_PAIR, ZMQ_PUB, ZMQ_SUB, ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER,
                           ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM})
        CHECK(Socket(context, type).get(ZMQ_THREAD_SAFE) == 0);
}

TEST_CASE("13.1.4: threads may share a socket with a lock for every call", "[notes]") {
    const Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.bind("inproc://shared");
    pull.connect("inproc://shared");
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 100; ++i) {
                const std::lock_guard lock(mutex);  // for both frames, because they are one message
                send(push, {std::to_string(thread), std::to_string(i)});
            }
        });
    std::set<Frames> received;
    for (int i = 0; i < 400; ++i) received.insert(receive(pull));
    for (auto& thread : threads) thread.join();
    CHECK(received.size() == 400);
    CHECK(received.count({"3", "99"}) == 1);
}

TEST_CASE("13.1.5: another thread than its creator may use and close a socket", "[notes]") {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    pull.bind("inproc://pull");
    void* const push = zmq_socket(context, ZMQ_PUSH);  // created here
    check(zmq_connect(push, "inproc://pull"));
    // The start and the join of a thread synchronise memory.
    std::thread first([push] { send(push, {"first"}); });
    first.join();
    int closed = -1;
    std::thread second([push, &closed] {
        send(push, {"second"});
        closed = zmq_close(push);
    });
    second.join();
    CHECK(closed == 0);
    CHECK(receive(pull) == Frames{"first"});
    CHECK(receive(pull) == Frames{"second"});
}

TEST_CASE("13.1.5: a running thread may take over a socket", "[notes]") {
    const Context context;
    Socket pull(context, ZMQ_PULL);
    pull.bind("inproc://pull");
    std::promise<std::unique_ptr<Socket>> hand_over;
    std::thread thread([taken = hand_over.get_future()]() mutable {
        const auto push = taken.get();
        send(*push, {"from its new owner"});
    });
    auto push = std::make_unique<Socket>(context, ZMQ_PUSH);
    push->connect("inproc://pull");
    send(*push, {"from its first owner"});
    hand_over.set_value(std::move(push));  // the other thread owns it now
    thread.join();
    CHECK(receive(pull) == Frames{"from its first owner"});
    CHECK(receive(pull) == Frames{"from its new owner"});
}

// 13.2: the multi-threaded server ----------------------------------------------------------------

TEST_CASE("13.2.1: a worker is a server of one thread with another endpoint and direction",
          "[notes]") {
    const Context context;
    Socket client(context, ZMQ_REQ), rep(context, ZMQ_REP);
    client.connect(rep.bind(any_port));  // one thread: it binds a tcp endpoint
    std::thread single([&rep] { serve(rep, "alone"); });
    send(client, {"Hello"});
    CHECK(receive(client) == Frames{"reply to Hello", "alone"});
    check(zmq_ctx_shutdown(context));
    single.join();

    Server server(1);  // a worker: it connects to an inproc endpoint
    server.start_proxy();
    server.start_workers();
    const Context outside;
    Socket other(outside, ZMQ_REQ);
    other.connect(server.endpoint);
    send(other, {"Hello"});
    CHECK(receive(other) == Frames{"reply to Hello", "0"});
}

TEST_CASE("13.2.2: the ROUTER receives requests of many clients over tcp at the same time",
          "[notes]") {
    Server server(3);
    server.start_proxy();
    const Context outside;
    const auto all = clients(outside, ZMQ_REQ, 3, server.endpoint);
    for (size_t i = 0; i < 3; ++i) send(*all[i], {std::to_string(i)});
    // The server works on three requests and has not answered any.
    std::vector<Frames> requests;
    for (const auto& worker : server.workers) requests.push_back(receive(*worker));
    CHECK(std::set<Frames>(requests.begin(), requests.end()) ==
          std::set<Frames>{{"0"}, {"1"}, {"2"}});
    for (size_t i = 3; i-- > 0;) send(*server.workers[i], requests[i]);
    for (size_t i = 0; i < 3; ++i) CHECK(receive(*all[i]) == Frames{std::to_string(i)});
}

TEST_CASE("13.2.3: the DEALER distributes the requests to the workers round-robin over inproc",
          "[notes]") {
    Server server(5);
    server.start_proxy();
    server.start_workers();
    const Context outside;
    const auto all = clients(outside, ZMQ_REQ, 10, server.endpoint);
    for (size_t i = 0; i < 10; ++i) send(*all[i], {std::to_string(i)});
    std::multiset<std::string> workers;
    for (size_t i = 0; i < 10; ++i) {
        const Frames reply = receive(*all[i]);
        CHECK(reply.at(0) == "reply to " + std::to_string(i));
        workers.insert(reply.at(1));
    }
    CHECK(workers == std::multiset<std::string>{"0", "0", "1", "1", "2", "2", "3", "3", "4", "4"});
}

TEST_CASE("13.2.4: the proxy fair-queues requests and returns each reply to its client",
          "[notes]") {
    Server server(1);
    server.router.bind("inproc://clients");
    Socket first(server.context, ZMQ_DEALER), second(server.context, ZMQ_DEALER);
    first.connect("inproc://clients");
    second.connect("inproc://clients");
    // The first one queues all its requests before the second one connects.
    for (Socket* client : {&first, &second})
        for (int i = 0; i < 3; ++i) send(*client, {"", client == &first ? "first" : "second"});
    server.start_proxy();
    Socket& worker = *server.workers[0];
    for (int i = 0; i < 3; ++i)
        for (const auto* origin : {"first", "second"}) {
            CHECK(receive(worker) == Frames{origin});
            send(worker, {origin});
        }
    for (int i = 0; i < 3; ++i) {
        CHECK(receive(first) == Frames{"", "first"});
        CHECK(receive(second) == Frames{"", "second"});
    }
}

// 13.3: signals between threads ------------------------------------------------------------------

TEST_CASE("13.3.1: two threads exchange messages over inproc with a shared context", "[notes]") {
    const Context context;
    Socket parent(context, ZMQ_PAIR);
    parent.bind("inproc://pair");
    std::thread child([&context] {
        Socket socket(context, ZMQ_PAIR);
        socket.connect("inproc://pair");
        send(socket, {receive(socket).at(0) + " back"});
        receive(socket);
    });
    send(parent, {"there"});
    CHECK(receive(parent) == Frames{"there back"});
    send(parent, {"end"});
    child.join();
}

TEST_CASE("13.3.2: a connect before the bind also works and messages sent then arrive", "[notes]") {
    const Context context;
    std::promise<void> sent;
    std::thread child([&] {
        Socket socket(context, ZMQ_PAIR);
        socket.connect("inproc://later");
        send(socket, {"early"});
        sent.set_value();
        receive(socket);
    });
    sent.get_future().wait();
    Socket parent(context, ZMQ_PAIR);
    parent.bind("inproc://later");
    CHECK(receive(parent) == Frames{"early"});
    send(parent, {"end"});
    child.join();
}

TEST_CASE("13.3.2: the order does not matter for REQ and SUB either", "[notes]") {
    const Context context;
    Socket req(context, ZMQ_REQ), rep(context, ZMQ_REP);
    req.connect("inproc://rep");
    send(req, {"early"});
    rep.bind("inproc://rep");
    CHECK(receive(rep) == Frames{"early"});
    Socket sub(context, ZMQ_SUB), xpub(context, ZMQ_XPUB);
    sub.set(ZMQ_SUBSCRIBE, "a").connect("inproc://xpub");
    xpub.bind("inproc://xpub");
    CHECK(receive(xpub) == Frames{"\1a"});
    send(xpub, {"a"});
    CHECK(receive(sub) == Frames{"a"});
}

TEST_CASE("13.3.2: a name that is never bound does not block zmq_ctx_term", "[notes]") {
    void* const context = zmq_ctx_new();
    void* const pair = zmq_socket(context, ZMQ_PAIR);
    check(zmq_connect(pair, "inproc://never"));
    check(zmq_send(pair, "a", 1, 0));
    check(zmq_close(pair));
    auto term = std::async(std::launch::async, [context] { return zmq_ctx_term(context); });
    REQUIRE(term.wait_for(deadline) == std::future_status::ready);
    CHECK(term.get() == 0);
}

TEST_CASE("13.3.3: a step that waits for the signal of the previous step runs after it",
          "[notes]") {
    const Context context;
    Socket end(context, ZMQ_PAIR);
    end.bind("inproc://step-4");
    std::mutex mutex;
    std::string order;  // of the steps
    // Started last to first, each step waits for the signal of the previous one.
    std::vector<std::thread> threads;
    for (int step = 3; step >= 1; --step) {
        auto before = std::make_unique<Socket>(context, ZMQ_PAIR);
        before->bind("inproc://step-" + std::to_string(step));
        threads.emplace_back([&, step, before = std::move(before)] {
            receive(*before);
            {
                const std::lock_guard lock(mutex);  // protects the string
                order += std::to_string(step);
            }
            Socket next(context, ZMQ_PAIR);
            next.connect("inproc://step-" + std::to_string(step + 1));
            send(next, {"done"});
        });
    }
    CHECK(poll(end, ZMQ_POLLIN, a_while) == 0);  // enough time for a step that does not wait
    Socket start(context, ZMQ_PAIR);
    start.connect("inproc://step-1");
    send(start, {"go"});
    CHECK(receive(end) == Frames{"done"});
    for (auto& thread : threads) thread.join();
    CHECK(order == "123");
}

TEST_CASE("13.3.4: a PAIR has one peer and silently disconnects a second one", "[notes]") {
    const Context context;
    Socket bound(context, ZMQ_PAIR), first(context, ZMQ_PAIR), second(context, ZMQ_PAIR);
    bound.bind("inproc://pair");
    first.connect("inproc://pair");
    CHECK(zmq_connect(second, "inproc://pair") == 0);
    send(first, {"one"});
    CHECK(receive(bound) == Frames{"one"});
    CHECK(error_of(zmq_send(second, "two", 3, ZMQ_DONTWAIT)) == EAGAIN);
    for (const std::string signal : {"1", "2", "3", "4"}) {
        send(bound, {signal});
        CHECK(receive(first) == Frames{signal});  // it receives all
    }
    CHECK(poll(second, ZMQ_POLLIN, 0) == 0);
    CHECK(poll(bound, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("13.3.4: a PUSH gives half of its signals to a second receiver", "[notes]") {
    const Context context;
    Socket bound(context, ZMQ_PUSH), first(context, ZMQ_PULL), second(context, ZMQ_PULL);
    bound.bind("inproc://push");
    first.connect("inproc://push");
    second.connect("inproc://push");
    for (const std::string signal : {"1", "2", "3", "4"}) send(bound, {signal});
    CHECK(receive(first) == Frames{"1"});
    CHECK(receive(first) == Frames{"3"});
    CHECK(receive(second) == Frames{"2"});
    CHECK(receive(second) == Frames{"4"});
}

TEST_CASE("13.3.4: a ROUTER adds a frame before each signal", "[notes]") {
    const Context context;
    Socket bound(context, ZMQ_ROUTER), dealer(context, ZMQ_DEALER);
    bound.bind("inproc://router");
    dealer.set(ZMQ_ROUTING_ID, "id").connect("inproc://router");
    send(dealer, {"ready"});
    CHECK(receive(bound) == Frames{"id", "ready"});
}

}  // namespace notes
