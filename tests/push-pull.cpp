#include <algorithm>
#include <csignal>
#include <deque>

#include "catch.hpp"
#include "handshake.hpp"
#include "peer.hpp"

namespace {

Lines one_to(int last) {
    Lines all;
    for (int n = 1; n <= last; ++n) all.push_back(std::to_string(n));
    return all;
}

/// The numbers of the next so many tasks of each of these workers, "7" or "a 7", sorted.
Lines tasks_of(std::initializer_list<Peer*> workers, int each) {
    Lines all;
    for (Peer* worker : workers)
        for (int n = 0; n < each; ++n) {
            const std::string task = worker->receive().at(0);
            all.push_back(task.substr(task.rfind(' ') + 1));
        }
    return sorted(all);
}

struct Sinker : Process {
    Sinker(const std::string& bind, int count)
        : Process("push-pull/sinker", {"--bind", bind, "--count", std::to_string(count)}) {}
};
struct Sender : Process {
    Sender(const std::string& bind, int count, int workers)
        : Process("push-pull/sender", {"--bind", bind, "--count", std::to_string(count),
                                       "--workers", std::to_string(workers)}) {}
};
struct Worker : Process {
    Worker(const std::string& connect, const std::string& sink, int work = 0)
        : Process("push-pull/worker",
                  {"--connect", connect, "--sink", sink, "--work", std::to_string(work)}) {}
};

/// Messages that are no task and no result.
const std::vector<Frames> odd = {{""},
                                 {"x"},
                                 {"0"},
                                 {"-1"},
                                 {"+1"},
                                 {"1 "},
                                 {" 1"},
                                 {"1.0"},
                                 {"0x1"},
                                 {"1", "2"},
                                 {"", "1"},
                                 {std::string("1\0", 2)},
                                 {"18446744073709551616"}};

/// How they are named.
Lines named() {
    Lines all;
    for (const auto& message : odd) all.push_back(printable(message[0]));
    return all;
}

}  // namespace

TEST_CASE("push-pull: every task is done once, and each worker gets its share", "[push-pull]") {
    Sinker sinker(any_port, 300);
    const std::string sink = sinker.endpoint();
    Sender sender(any_port, 300, 3);
    const std::string tasks = sender.endpoint();
    std::deque<Worker> workers;
    for (int i = 0; i < 3; ++i) workers.emplace_back(tasks, sink);
    CHECK(sender.wait() == 0);
    CHECK(sender.lines_with("task") == one_to(300));
    CHECK(sender.last_line() == "300 tasks");
    CHECK(sinker.wait() == 0);
    CHECK(sorted(sinker.lines_with("result")) == sorted(one_to(300)));
    CHECK(sinker.last_line() == "300 of 300 results");
    Lines all;
    for (auto& worker : workers) {
        CHECK(worker.stop(SIGINT) == 128 + SIGINT);
        CHECK(worker.last_line() == "100 tasks");
        const auto own = worker.lines_with("task");
        all.insert(all.end(), own.begin(), own.end());
    }
    CHECK(sorted(all) == sorted(one_to(300)));
}

TEST_CASE("push-pull: no result is lost beyond the high-water marks", "[push-pull]") {
    Sinker sinker(any_port, 20000);
    const std::string sink = sinker.endpoint();
    Sender sender(any_port, 20000, 0);  // waits for no worker
    Worker worker(sender.endpoint(), sink);
    worker.wait_for("task 1");
    sinker.signal(SIGSTOP);  // all queues in front of it fill up
    worker.wait_for("task 1001");
    sinker.signal(SIGCONT);
    CHECK(sinker.wait() == 0);
    CHECK(sender.wait() == 0);
    CHECK(sinker.lines_with("result") == one_to(20000));  // in order, because it has one worker
}

TEST_CASE("push-pull: a sender of either pipeline waits for its workers, and one that left counts",
          "[push-pull]") {
    Process sender(GENERATE("push-pull/sender", "push-pull2/sender"),
                   {"--bind", any_port, "--count", "12", "--workers", "4"});
    const std::string endpoint = sender.endpoint();
    Peer first(ZMQ_PULL), second(ZMQ_PULL), third(ZMQ_PULL);
    first.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    {
        RawPeer leaves(endpoint);
        REQUIRE(zmtp::shake_hands(leaves, "PULL"));
        leaves.send(std::string("\4\7\4PING\0\0", 9));
        leaves.receive(7);  // PONG: it has been counted
    }
    second.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK(poll(first, ZMQ_POLLIN, 100) == 0);
    third.connect(endpoint);
    CHECK(tasks_of({&first, &second, &third}, 4) == sorted(one_to(12)));
    CHECK(sender.wait() == 0);
}

TEST_CASE("push-pull: a peer that is no worker is not counted and gets no task, in both pipelines",
          "[push-pull]") {
    Process sender(GENERATE("push-pull/sender", "push-pull2/sender"),
                   {"--bind", any_port, "--count", "20", "--workers", "2"});
    const std::string endpoint = sender.endpoint();
    const RawPeer silent(endpoint);
    RawPeer browser(endpoint), old(endpoint), noise(endpoint);
    browser.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    old.send(std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x01\x07\0\0", 14));  // a PULL of ZMTP 2.0
    noise.send(std::string("\1\0\3abc\0\0\0\0", 10));
    for (RawPeer* peer : {&browser, &old, &noise}) peer->wait_for_end();
    Peer subscriber(ZMQ_SUB), first(ZMQ_PULL), second(ZMQ_PULL);
    subscriber.connect_until(endpoint, ZMQ_EVENT_DISCONNECTED);
    first.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK(poll(first, ZMQ_POLLIN, 100) == 0);
    second.connect(endpoint);
    CHECK(tasks_of({&first, &second}, 10) == sorted(one_to(20)));
    CHECK(sender.wait() == 0);
}

TEST_CASE("push-pull: a sinker names what is no result and does not count it", "[push-pull]") {
    Sinker sinker(any_port, 2);
    Peer worker(ZMQ_PUSH);
    worker.connect(sinker.endpoint()).send({"2147483648"});
    for (const auto& frames : odd) worker.send(frames);
    worker.send({"1"});
    CHECK(sinker.wait() == 0);
    CHECK(sinker.lines_with("result") == Lines{"2147483648", "1"});
    CHECK(sinker.last_line() == "2 of 2 results");
    CHECK(sinker.ignored() == named());
}

TEST_CASE("push-pull: a worker serves one sender after another and ignores what is no task",
          "[push-pull]") {
    const Folder folder;
    Peer sinker(ZMQ_PULL);
    Worker worker(folder.endpoint("t"), sinker.bind(any_port), 1);
    for (const int sender : {1, 2}) {
        Peer tasks(ZMQ_PUSH);
        tasks.bind(folder.endpoint("t"));
        for (size_t n = 0; n < odd.size() && sender == 1; ++n) tasks.send(odd[n]);
        tasks.send({"2147483648"});
        CHECK(sinker.receive() == Frames{"2147483648"});
        tasks.send({"007"});
        CHECK(sinker.receive() == Frames{"007"});  // as it came
    }
    CHECK(worker.stop(SIGINT) == 128 + SIGINT);
    CHECK(worker.lines() ==
          Lines{"task 2147483648", "task 007", "task 2147483648", "task 007", "4 tasks"});
    CHECK(worker.ignored() == named());
}

TEST_CASE("push-pull: Ctrl-C ends a worker in a task, or whose results no sinker takes",
          "[push-pull]") {
    const bool in_a_task = GENERATE(true, false);
    const Folder folder;
    Peer sender(ZMQ_PUSH);
    Worker worker(sender.bind(any_port), folder.endpoint("r"), in_a_task ? 60000 : 0);
    for (int n = 1; n <= 2000; ++n) sender.send({std::to_string(n)});
    worker.wait_for(in_a_task ? "task 1" : "task 1001");
    CHECK(worker.stop(SIGINT) == 128 + SIGINT);
    CHECK(worker.last_line() == (in_a_task ? "0 tasks" : "1000 tasks"));
}
