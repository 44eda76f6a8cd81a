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

/// Messages that are no task and no result, and how they are named.
const std::vector<Frames> odd = {{""},    {"x"},      {"0"},     {"-1"},
                                 {"+1"},  {"1 "},     {" 1"},    {"1.0"},
                                 {"0x1"}, {"1", "2"}, {"", "1"}, {"18446744073709551616"}};
const Lines named = {"",   "x",   "0",   "-1", "+1", "1 ",
                     " 1", "1.0", "0x1", "1",  "",   "18446744073709551616"};

}  // namespace

TEST_CASE("push-pull: every task is done once, and each worker gets its share", "[push-pull]") {
    Process sinker("push-pull/sinker --count 300 --bind " + any_port);
    Process sender("push-pull/sender --count 300 --workers 3 --bind " + any_port);
    const std::string worker =
        "push-pull/worker --sink " + sinker.endpoint() + " --connect " + sender.endpoint();
    std::deque<Process> workers;
    for (int i = 0; i < 3; ++i) workers.emplace_back(worker);
    CHECK(sender.wait() == 0);
    CHECK(sender.lines_with("task") == one_to(300));
    CHECK(sender.last_line() == "300 tasks");
    CHECK(sinker.wait() == 0);
    CHECK(sorted(sinker.lines_with("result")) == sorted(one_to(300)));
    CHECK(sinker.last_line() == "300 of 300 results");
    Lines all;
    for (auto& one : workers) {
        CHECK(one.stop(SIGINT) == 128 + SIGINT);
        CHECK(one.last_line() == "100 tasks");
        const auto own = one.lines_with("task");
        all.insert(all.end(), own.begin(), own.end());
    }
    CHECK(sorted(all) == sorted(one_to(300)));
}

TEST_CASE("push-pull: no result is lost beyond the high-water marks", "[push-pull]") {
    Process sinker("push-pull/sinker --count 20000 --bind " + any_port);
    Process sender("push-pull/sender --count 20000 --workers 0 --bind " + any_port);
    Process worker("push-pull/worker --sink " + sinker.endpoint() + " --connect " +
                   sender.endpoint());
    worker.wait_for("task 1");
    sinker.signal(SIGSTOP);  // all queues in front of it fill up
    worker.wait_for("task 1001");
    sinker.signal(SIGCONT);
    CHECK(sinker.wait() == 0);
    CHECK(sender.wait() == 0);
    CHECK(sinker.lines_with("result") == one_to(20000));  // in order, because it has one worker
}

TEST_CASE("push-pull: a sender of either pipeline waits for its workers and no other peers",
          "[push-pull]") {
    const std::string path = GENERATE("push-pull/sender", "push-pull2/sender");
    Process sender(path + " --count 12 --workers 4 --bind " + any_port);
    const std::string endpoint = sender.endpoint();
    const RawPeer silent(endpoint);
    RawPeer browser(endpoint), old(endpoint), noise(endpoint);
    browser.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    old.send(std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x01\x07\0\0", 14));  // a PULL of ZMTP 2.0
    noise.send(std::string("\1\0\3abc\0\0\0\0", 10));
    for (RawPeer* peer : {&browser, &old, &noise}) peer->wait_for_end();
    Peer subscriber(ZMQ_SUB), first(ZMQ_PULL), second(ZMQ_PULL), third(ZMQ_PULL);
    subscriber.connect_until(endpoint, ZMQ_EVENT_DISCONNECTED);
    {
        RawPeer left(endpoint);  // a worker that left still counts
        REQUIRE(zmtp::shake_hands(left, "PULL"));
        left.send(std::string("\4\7\4PING\0\0", 9));
        left.receive(7);  // PONG: it has been counted
    }
    first.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    second.connect_until(endpoint, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK(poll(first, ZMQ_POLLIN, 100) == 0);
    third.connect(endpoint);
    Lines tasks;
    for (Peer* worker : {&first, &second, &third})
        for (int n = 0; n < 4; ++n) {
            const std::string task = worker->receive().at(0);  // "7" or "a 7"
            tasks.push_back(task.substr(task.rfind(' ') + 1));
        }
    CHECK(sorted(tasks) == sorted(one_to(12)));
    CHECK(sender.wait() == 0);
}

TEST_CASE("push-pull: a sinker names what is no result and does not count it", "[push-pull]") {
    Process sinker("push-pull/sinker --count 2 --bind " + any_port);
    Peer worker(ZMQ_PUSH);
    worker.connect(sinker.endpoint()).send({"2147483648"});
    for (const auto& frames : odd) worker.send(frames);
    worker.send({"1"});
    CHECK(sinker.wait() == 0);
    CHECK(sinker.lines_with("result") == Lines{"2147483648", "1"});
    CHECK(sinker.last_line() == "2 of 2 results");
    CHECK(sinker.ignored() == named);
}

TEST_CASE("push-pull: a worker serves one sender after another and ignores what is no task",
          "[push-pull]") {
    const Folder folder;
    Peer sinker(ZMQ_PULL);
    Process worker("push-pull/worker --work 1 --connect " + folder.endpoint("t") + " --sink " +
                   sinker.bind(any_port));
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
    CHECK(worker.lines_with("task") == Lines{"2147483648", "007", "2147483648", "007"});
    CHECK(worker.last_line() == "4 tasks");
    CHECK(worker.ignored() == named);
}

TEST_CASE("push-pull: Ctrl-C ends a worker in a task, or whose results no sinker takes",
          "[push-pull]") {
    const bool in_a_task = GENERATE(true, false);
    const Folder folder;
    Peer sender(ZMQ_PUSH);
    Process worker("push-pull/worker --connect " + sender.bind(any_port) + " --sink " +
                   folder.endpoint("r") + (in_a_task ? " --work 60000" : ""));
    for (int n = 1; n <= 2000; ++n) sender.send({std::to_string(n)});
    worker.wait_for(in_a_task ? "task 1" : "task 1001");
    CHECK(worker.stop(SIGINT) == 128 + SIGINT);
    CHECK(worker.last_line() == (in_a_task ? "0 tasks" : "1000 tasks"));
}
