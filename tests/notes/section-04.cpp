// Section 4 of the notes: PUSH-PULL.
#include <future>
#include <set>

#include "notes.hpp"

namespace notes {

namespace {

/// Waits until `count` peers have connected to a bound socket and it has processed that.
void wait_for_peers(Monitor& monitor, Socket& bound, int count) {
    for (int i = 0; i < count; ++i) monitor.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    bound.get(ZMQ_EVENTS);  // zmq_send alone checks for new peers only now and then
}

}  // namespace

TEST_CASE("4.1: tasks go from a ventilator through workers to a sink", "[notes]") {
    Context context;
    Socket ventilator(context, ZMQ_PUSH), sink(context, ZMQ_PULL);
    Socket tasks(context, ZMQ_PULL), results(context, ZMQ_PUSH);  // the worker's two sockets
    tasks.connect(ventilator.bind(any_port));
    results.connect(sink.bind(any_port));

    for (int n = 1; n <= 5; ++n) CHECK(zmq_send(ventilator, &n, sizeof n, 0) == sizeof n);
    for (int i = 0; i < 5; ++i) {
        int n = 0;
        CHECK(zmq_recv(tasks, &n, sizeof n, 0) == sizeof n);
        n *= 2;
        CHECK(zmq_send(results, &n, sizeof n, 0) == sizeof n);
    }
    for (const int expected : {2, 4, 6, 8, 10}) {
        int n = 0;
        CHECK(zmq_recv(sink, &n, sizeof n, 0) == sizeof n);
        CHECK(n == expected);
    }
}

TEST_CASE("4.2a: PUSH distributes messages and PUB copies them", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), pub(context, ZMQ_PUB);
    Socket pull1(context, ZMQ_PULL), pull2(context, ZMQ_PULL);
    Socket sub1(context, ZMQ_SUB), sub2(context, ZMQ_SUB);
    push.bind("inproc://push");
    pub.bind("inproc://pub");
    for (Socket* pull : {&pull1, &pull2}) pull->connect("inproc://push");
    for (Socket* sub : {&sub1, &sub2}) sub->set(ZMQ_SUBSCRIBE, "").connect("inproc://pub");
    push.get(ZMQ_EVENTS);
    pub.get(ZMQ_EVENTS);
    for (Socket* socket : {&push, &pub})
        for (const auto* message : {"1", "2"}) send(*socket, {message});

    CHECK(receive(pull1) == Frames{"1"});
    CHECK(receive(pull2) == Frames{"2"});
    CHECK(poll(pull1, ZMQ_POLLIN, 0) == 0);
    CHECK(poll(pull2, ZMQ_POLLIN, 0) == 0);
    for (Socket* sub : {&sub1, &sub2})
        for (const auto* message : {"1", "2"}) CHECK(receive(*sub) == Frames{message});
}

TEST_CASE("4.2a: without a peer PUSH waits and PUB drops", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), pub(context, ZMQ_PUB);
    push.bind(any_port);
    pub.bind(any_port);
    CHECK(error_of(zmq_send(push, "x", 1, ZMQ_DONTWAIT)) == EAGAIN);
    CHECK(zmq_send(pub, "x", 1, ZMQ_DONTWAIT) == 1);
}

TEST_CASE("4.2b: a PUSH only sends and a PULL only receives", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    pull.connect(push.bind(any_port));
    char buffer[16];
    CHECK(error_of(zmq_recv(push, buffer, sizeof buffer, 0)) == ENOTSUP);
    CHECK(error_of(zmq_send(pull, "x", 1, 0)) == ENOTSUP);
    CHECK(poll(push, ZMQ_POLLIN | ZMQ_POLLOUT) == ZMQ_POLLOUT);
    CHECK(zmq_send(push, "task", 4, 0) == 4);
    CHECK(poll(pull, ZMQ_POLLIN | ZMQ_POLLOUT) == ZMQ_POLLIN);
    CHECK(receive(pull) == Frames{"task"});
}

TEST_CASE("4.3: without a worker the message stays with the caller of a bound PUSH", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    const std::string endpoint = push.set(ZMQ_SNDTIMEO, -1).bind(any_port);
    zmq_msg_t message;
    CHECK(zmq_msg_init_size(&message, 5) == 0);
    std::memcpy(zmq_msg_data(&message), "first", 5);
    CHECK(error_of(zmq_msg_send(&message, push, ZMQ_DONTWAIT)) ==
          EAGAIN);  // without DONTWAIT it would block
    push.set(ZMQ_SNDTIMEO, 50);
    const auto start = std::chrono::steady_clock::now();
    CHECK(error_of(zmq_msg_send(&message, push, 0)) == EAGAIN);
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(45));
    CHECK(zmq_msg_size(&message) == 5);
    CHECK(std::memcmp(zmq_msg_data(&message), "first", 5) == 0);
    CHECK(zmq_msg_close(&message) == 0);

    pull.connect(endpoint);  // a late worker does not get it
    CHECK(poll(push, ZMQ_POLLOUT) == ZMQ_POLLOUT);
    CHECK(zmq_send(push, "second", 6, 0) == 6);
    CHECK(receive(pull) == Frames{"second"});
}

TEST_CASE("4.3: a send that waits for a worker continues when one connects", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    const std::string endpoint = push.bind(any_port);
    // From here to get(), only the thread uses the socket.
    std::future<int> sent =
        std::async(std::launch::async, [&push] { return zmq_send(push, "task", 4, 0); });
    CHECK(sent.wait_for(std::chrono::milliseconds(a_while)) == std::future_status::timeout);
    pull.connect(endpoint);
    CHECK(sent.get() == 4);
    CHECK(receive(pull) == Frames{"task"});
}

TEST_CASE("4.3: a connecting PUSH queues up to ZMQ_SNDHWM messages", "[notes]") {
    const Folder folder;
    Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.set(ZMQ_SNDHWM, 5).connect(folder.endpoint("worker"));
    for (const char task : {'1', '2', '3', '4', '5'})
        CHECK(zmq_send(push, &task, 1, ZMQ_DONTWAIT) == 1);
    CHECK(error_of(zmq_send(push, "6", 1, ZMQ_DONTWAIT)) == EAGAIN);

    pull.bind(folder.endpoint("worker"));
    for (const auto* task : {"1", "2", "3", "4", "5"}) CHECK(receive(pull) == Frames{task});
    CHECK(zmq_send(push, "7", 1, 0) == 1);  // it has room again
    CHECK(receive(pull) == Frames{"7"});
}

TEST_CASE("4.3: with ZMQ_IMMEDIATE a connecting PUSH queues nothing before it has a peer",
          "[notes]") {
    const Folder folder;
    Context context;
    Socket push(context, ZMQ_PUSH), pull(context, ZMQ_PULL);
    push.set(ZMQ_IMMEDIATE, 1).connect(folder.endpoint("worker"));
    CHECK(error_of(zmq_send(push, "early", 5, ZMQ_DONTWAIT)) == EAGAIN);
    pull.bind(folder.endpoint("worker"));
    CHECK(zmq_send(push, "task", 4, 0) == 4);
    CHECK(receive(pull) == Frames{"task"});
}

TEST_CASE("4.3: a sender that closes without linger loses its queued messages", "[notes]") {
    const Folder folder;
    const std::string endpoint = folder.endpoint("worker");
    Context sender;
    {
        Socket gone(sender, ZMQ_PAIR), push(sender, ZMQ_PUSH);
        check(zmq_socket_monitor(push, "inproc://gone", ZMQ_EVENT_MONITOR_STOPPED));
        gone.connect("inproc://gone");
        push.connect(endpoint).set(ZMQ_LINGER, 0);
        CHECK(zmq_send(push, "lost", 4, 0) == 4);
        push.close();
        // The queued messages are lost, although the context lives on.
        CHECK(poll(gone, ZMQ_POLLIN, deadline_ms / 2) == ZMQ_POLLIN);
    }
    {
        Socket push(sender, ZMQ_PUSH);
        push.connect(endpoint).set(ZMQ_LINGER, deadline_ms);
        CHECK(zmq_send(push, "kept", 4, 0) == 4);
    }
    Context context;
    Socket pull(context, ZMQ_PULL);
    pull.bind(endpoint);
    CHECK(receive(pull) == Frames{"kept"});
    CHECK(poll(pull, ZMQ_POLLIN, a_while) == 0);
}

TEST_CASE("4.4: each task goes to one worker only", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), a(context, ZMQ_PULL), b(context, ZMQ_PULL);
    push.bind("inproc://tasks");
    a.connect("inproc://tasks");
    b.connect("inproc://tasks");
    push.get(ZMQ_EVENTS);
    for (char task = '0'; task < '6'; ++task) CHECK(zmq_send(push, &task, 1, 0) == 1);
    for (const auto* task : {"0", "2", "4"}) CHECK(receive(a) == Frames{task});
    for (const auto* task : {"1", "3", "5"}) CHECK(receive(b) == Frames{task});
    CHECK(poll(a, ZMQ_POLLIN, 0) == 0);
    CHECK(poll(b, ZMQ_POLLIN, 0) == 0);
}

TEST_CASE("4.4: an idle worker cannot take the tasks of another", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), a(context, ZMQ_PULL), b(context, ZMQ_PULL);
    push.bind("inproc://tasks");
    a.connect("inproc://tasks");
    b.connect("inproc://tasks");
    push.get(ZMQ_EVENTS);
    for (const auto* task : {"0", "1", "2"}) send(push, {task});
    CHECK(receive(b) == Frames{"1"});
    // b is idle, and two tasks wait for a.
    CHECK(error_of(zmq_recv(b, nullptr, 0, ZMQ_DONTWAIT)) == EAGAIN);
    CHECK(receive(a) == Frames{"0"});
    CHECK(receive(a) == Frames{"2"});
}

TEST_CASE("4.4: the first worker may hold everything before the second connects", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), first(context, ZMQ_PULL), late(context, ZMQ_PULL);
    push.bind("inproc://tasks");
    first.connect("inproc://tasks");
    for (char task = '0'; task < '4'; ++task) CHECK(zmq_send(push, &task, 1, 0) == 1);
    late.connect("inproc://tasks");
    push.get(ZMQ_EVENTS);
    CHECK(error_of(zmq_recv(late, nullptr, 0, ZMQ_DONTWAIT)) == EAGAIN);
    for (const auto* task : {"0", "1", "2", "3"}) CHECK(receive(first) == Frames{task});
    // Only later tasks are distributed to both.
    send(push, {"4"});
    send(push, {"5"});
    const std::set<std::string> distributed{receive(first).at(0), receive(late).at(0)};
    CHECK(distributed == std::set<std::string>{"4", "5"});
}

TEST_CASE("4.4: a worker that dies loses its unread tasks", "[notes]") {
    Context context;
    Socket push(context, ZMQ_PUSH), b(context, ZMQ_PULL);
    Monitor monitor(context, push);
    const std::string endpoint = push.bind(any_port);
    std::string got;
    {
        Context process;
        Socket a(process, ZMQ_PULL);
        a.connect(endpoint);
        wait_for_peers(monitor, push, 1);
        b.connect(endpoint);
        wait_for_peers(monitor, push, 1);
        for (char task = '0'; task < '6'; ++task) CHECK(zmq_send(push, &task, 1, 0) == 1);
        got += receive(a).at(0);
    }
    for (int i = 0; i < 3; ++i) got += receive(b).at(0);
    CHECK(got == "0135");
    // b receives only new tasks. Tasks still sent to a are lost, too.
    monitor.wait_for(ZMQ_EVENT_DISCONNECTED);
    while (poll(b, ZMQ_POLLIN, 1) == 0) send(push, {"new"});
    CHECK(receive(b) == Frames{"new"});
}

TEST_CASE("4.4: a PULL fair-queues its senders", "[notes]") {
    Context context;
    Socket pull(context, ZMQ_PULL), a(context, ZMQ_PUSH), b(context, ZMQ_PUSH);
    pull.bind("inproc://results");
    a.connect("inproc://results");
    b.connect("inproc://results");
    for (int i = 0; i < 3; ++i) send(a, {"A"});
    for (int i = 0; i < 3; ++i) send(b, {"B"});
    std::string order;
    for (int i = 0; i < 6; ++i) order += receive(pull).at(0);
    CHECK(order == "ABABAB");
}

}  // namespace notes
