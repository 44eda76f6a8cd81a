#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "patterns.hpp"

namespace {

/// A sinker, and the sockets of a worker that it has greeted.
struct Sinker : Process {
    Sinker(int count, int patience)
        : Process("push-pull2/sinker --bind " + any_port + " --control " + any_port + " --count " +
                  std::to_string(count) + " --patience " + std::to_string(patience)) {
        push.connect(results);
        sub.subscribe("").connect(control);
        CHECK(sub.receive() == Frames{"READY"});
    }
    const std::string results = endpoint(), control = endpoint();
    Peer push{ZMQ_PUSH}, sub{ZMQ_SUB};
};

/// A worker between sockets of the test: two senders and two sinkers.
struct Worker {
    explicit Worker(const std::string& more = "") {
        std::string command = "push-pull2/worker" + more;
        for (auto& sender : senders) command += " --connect " + sender.bind(any_port);
        for (auto& sink : sinks) command += " --sink " + sink.bind(any_port);
        for (auto& control : controls) command += " --control " + control.bind(any_port);
        process.emplace(command);
        for (auto& control : controls) CHECK(control.receive() == Frames{"\1"});  // everything
    }
    void say(const std::string& to_all) {
        for (auto& control : controls) control.send({to_all});
    }
    Peer senders[2]{Peer(ZMQ_PUSH), Peer(ZMQ_PUSH)};
    Peer sinks[2]{Peer(ZMQ_PULL), Peer(ZMQ_PULL)};
    Peer controls[2]{Peer(ZMQ_XPUB), Peer(ZMQ_XPUB)};
    std::optional<Process> process;
};

}  // namespace

TEST_CASE("push-pull2: each task is done once, and its result comes to the sinker n mod K",
          "[push-pull2]") {
    each_pattern([](const Pattern& pattern) {
        if (pattern.name != "push-pull2") return;
        Running running(pattern);
        running.start_all();
        running.check_end();
        Lines even, odd;
        for (const std::string name : {"a ", "b "})
            for (int n = 1; n <= 100; ++n)
                (n % 2 == 0 ? even : odd).push_back(name + std::to_string(n));
        CHECK(sorted(running.processes[2].lines_with("result")) == sorted(even));
        CHECK(sorted(running.processes[3].lines_with("result")) == sorted(odd));
    });
}

TEST_CASE("push-pull2: a killed worker's tasks are lost, and only those, and all others end",
          "[push-pull2]") {
    const Folder folder;
    const auto t = folder.endpoint("t"), r = folder.endpoint("r"), c = folder.endpoint("c");
    Process sinker("push-pull2/sinker --count 20 --patience 500 --bind " + r + " --control " + c);
    Process sender("push-pull2/sender --count 20 --workers 2 --bind " + t);
    const std::string connects =
        "push-pull2/worker --connect " + t + " --sink " + r + " --control " + c;
    Process killed(connects + " --work 60000"), other(connects);
    CHECK(sender.wait() == 0);  // so the killed one has its share
    killed.wait_for("task ");
    CHECK(killed.stop(SIGKILL) == -SIGKILL);
    CHECK(other.wait() == 0);
    CHECK(other.last_line() == "10 tasks");
    CHECK(sinker.wait() == 1);
    CHECK(sinker.last_line() == "10 of 20 results");
    CHECK(sinker.lines_with("result") == other.lines_with("task"));
    CHECK(lines_of(sinker.errors()).size() == 1);
}

TEST_CASE("push-pull2: a worker works from the first signal of every sinker to the STOP of every",
          "[push-pull2]") {
    Worker worker;
    worker.controls[0].send({"STOP"});  // before anything else
    CHECK(poll(worker.senders[0], ZMQ_POLLOUT, 100) == 0);
    worker.controls[1].send({"READY"});
    worker.senders[1].send({"b 3"});
    CHECK(worker.sinks[1].receive() == Frames{"b 3"});
    // The first two as from a sinker that was started again.
    for (const auto* signal : {"READY", "STOP", "STOPPED", "", "a fence"})
        worker.controls[0].send({signal});
    worker.process->wait_for_error("a fence");
    for (const auto* odd : {"", " ", "7", "a", "a ", "a 0", "a -1", "a1", "a 1.5"})
        worker.senders[0].send({odd});
    worker.senders[0].send({"a 9", "a 10"});
    const Frames good[]{{"a 2147483648"}, {" 4"}, {std::string("a\0b \xff 6", 7)}};
    for (const auto& task : good) worker.senders[0].send(task);
    for (const auto& task : good) CHECK(worker.sinks[0].receive() == task);
    worker.controls[1].send({"STOP"});
    CHECK(worker.process->wait() == 0);
    CHECK(worker.process->lines() ==
          Lines{"task b 3", "task a 2147483648", "task  4", "task a\\x00b \\xff 6", "4 tasks"});
    CHECK(worker.process->ignored() == Lines{"STOPPED", "", "a fence", "", " ", "7", "a", "a ",
                                             "a 0", "a -1", "a1", "a 1.5", "a 9"});
}

TEST_CASE("push-pull2: a worker reports that it cannot connect to a sender, or lacks an endpoint",
          "[push-pull2]") {
    Worker worker(" --connect nonsense");
    worker.say("READY");
    CHECK(worker.process->wait() == 1);
    CHECK(worker.process->errors().rfind("worker: zmq_connect nonsense: ", 0) == 0);
    Process lacks("push-pull2/worker --sink " + any_port + " --sink " + any_port);
    CHECK(lacks.wait() == 2);
    CHECK(lacks.errors().rfind("worker: --control: ", 0) == 0);
}

TEST_CASE("push-pull2: no sender waits until a worker has done the tasks of another",
          "[push-pull2]") {
    Worker worker(" --work 1");
    worker.say("READY");
    for (auto& sender : worker.senders) CHECK(poll(sender, ZMQ_POLLOUT) != 0);
    worker.process->signal(SIGSTOP);
    for (int n = 1; n <= 200; ++n) {
        worker.senders[0].send({"a " + std::to_string(n)});
        worker.senders[1].send({"b " + std::to_string(n)});
    }
    worker.process->signal(SIGCONT);
    for (const auto* next : {"task b 50", "task a 100", "task b 150", "task a 200"})
        worker.process->wait_for(next);
}

TEST_CASE("push-pull2: a sinker that takes no results does not keep a worker from its stop",
          "[push-pull2]") {
    const Folder folder;
    Peer sender(ZMQ_PUSH), control(ZMQ_XPUB);
    Process worker("push-pull2/worker --connect " + sender.bind(any_port) + " --sink " +
                   folder.endpoint("r") + " --control " + control.bind(any_port));
    control.receive();
    control.send({"READY"});
    for (int n = 1; n <= 3000; ++n) sender.send({"a " + std::to_string(n)});
    worker.wait_for("task a 3000");
    control.send({"STOP"});
    worker.wait_for("3000 tasks");
}

TEST_CASE("push-pull2: a sinker greets each worker and stops them all when it is complete",
          "[push-pull2]") {
    Sinker sinker(2, 0);
    Peer late(ZMQ_SUB), odd(ZMQ_XSUB);
    Peer(ZMQ_SUB).subscribe("R").connect(sinker.control).receive();  // leaves again
    odd.connect(sinker.control).send({"hello", "there"});
    sinker.wait_for_error("hello");
    for (const auto* result : {"", "1", "a", "a 0", "a x"}) sinker.push.send({result});
    sinker.push.send({"a 9", "a 10"});
    sinker.push.send({"a 1"});
    sinker.wait_for("result a 1");  // without patience it still waits
    late.subscribe("").connect(sinker.control);
    CHECK(late.receive() == Frames{"READY"});
    sinker.push.send({"b 2147483648"});
    for (Peer* worker : {&sinker.sub, &late}) {
        auto signal = worker->receive();
        while (signal == Frames{"READY"}) signal = worker->receive();
        CHECK(signal == Frames{"STOP"});
    }
    CHECK(sinker.wait() == 0);
    CHECK(sinker.lines_with("result") == Lines{"a 1", "b 2147483648"});
    CHECK(sinker.last_line() == "2 of 2 results");
    CHECK(sinker.ignored() == Lines{"hello", "", "1", "a", "a 0", "a x", "a 9"});
}

TEST_CASE("push-pull2: a worker that comes during a flood of results is greeted before its end",
          "[push-pull2]") {
    const Folder folder;
    const auto r = folder.endpoint("r"), c = folder.endpoint("c"), fifo = folder.path("fifo");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const int end = open(fifo.c_str(), O_RDWR | O_CLOEXEC);
    Shell sinker("exec \"$built\"/push-pull2/sinker --count 10100 --bind " + r + " --control " + c +
                 ">" + fifo);
    Peer push(ZMQ_PUSH), sub(ZMQ_SUB);
    push.connect(r);
    for (int n = 0; n < 100; ++n) push.send({std::string(200, '\xff') + " 1"});
    // Until it cannot print another result, because nothing reads its lines.
    for (pollfd room{end, POLLOUT, 0}; poll(&room, 1, 0) == 1;) std::this_thread::yield();
    std::deque<Peer> workers;  // ten, because the sinker has a queue of 1,000 for each
    for (int i = 0; i < 10; ++i) {
        workers.emplace_back(ZMQ_PUSH).connect(r);
        for (int n = 0; n < 1000; ++n) workers.back().send({"a 1"});
    }
    sub.subscribe("").connect_until(c, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    Process reads("/bin/cat", {fifo});
    CHECK(sub.receive() == Frames{"READY"});
    CHECK(sub.receive() == Frames{"STOP"});
    CHECK(sinker.wait() == 0);
    close(end);
}

TEST_CASE("push-pull2: the patience of a sinker begins with each result, and nothing else",
          "[push-pull2]") {
    const std::chrono::milliseconds patience(1000);
    Sinker sinker(3, 1000);
    CHECK(poll(sinker.sub, ZMQ_POLLIN, 1200) == 0);
    RawPeer browser(sinker.results);
    sinker.push.send({"a 1"});
    sinker.wait_for("result a 1");
    CHECK(poll(sinker.sub, ZMQ_POLLIN, 300) == 0);
    const auto second = std::chrono::steady_clock::now();
    sinker.push.send({"a 2"});
    for (Frames signal; signal != Frames{"STOP"};) {
        REQUIRE(std::chrono::steady_clock::now() - second < 10 * patience);
        sinker.push.send({"garbage"});
        browser.send("GET / HTTP/1.1\r\n\r\n");
        Peer worker(sinker.sub.context(), ZMQ_SUB);  // comes and goes
        worker.subscribe("").connect(sinker.control);
        poll(worker, ZMQ_POLLIN, 20);
        if (poll(sinker.sub, ZMQ_POLLIN, 0) != 0) signal = sinker.sub.receive();
    }
    CHECK(std::chrono::steady_clock::now() - second >= patience);
    CHECK(sinker.wait() == 1);
    CHECK(sinker.last_line() == "2 of 3 results");
}
