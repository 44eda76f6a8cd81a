// What every program does, whatever its pattern. The table in programs.hpp names them all; one that
// is built and is not in it fails the first test.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <sstream>

#include "catch.hpp"
#include "peer.hpp"
#include "process.hpp"
#include "programs.hpp"

TEST_CASE("programs: the table has every program that is built", "[programs]") {
    std::istringstream stream(PROGRAMS);
    std::set<std::string> built, named;
    for (std::string path; std::getline(stream, path, ':');) built.insert(path);
    for (const auto& program : table()) named.insert(program.path);
    CHECK(built == named);
}

TEST_CASE("programs: --help names each socket and each option with its default", "[programs]") {
    for (const auto& program : programs())
        for (const std::string help : {"--help", "-h"}) {
            INFO(program.path);
            Process process(program.path, {help});
            CHECK(process.wait() == 0);
            CHECK(process.errors().empty());
            const auto lines = process.lines();
            CHECK(lines.front().rfind(program.name() + ": ", 0) == 0);
            const auto line_of = [&lines](const std::string& option) {
                for (const auto& line : lines)
                    if (std::regex_search(line, std::regex("^ *--" + option + "( |$)")))
                        return line;
                return std::string();
            };
            for (const auto& endpoint : program.endpoints) {
                const std::string line = line_of(endpoint.option);
                CHECK(line.find(endpoint.socket) != std::string::npos);
                CHECK(line.find("(default: " + endpoint.fallback) != std::string::npos);
            }
            for (const auto& other : program.others)
                CHECK(line_of(other).find("(default: ") != std::string::npos);
            CHECK(!line_of("quiet").empty());
        }
}

namespace {

/// The program exits with 2 after one line that names the argument, and the hint to --help.
void refuses(const Program& program, const Lines& arguments, const std::string& named) {
    Process process(program.path, arguments);
    INFO(program.path << " " << named);
    CHECK(process.wait() == 2);
    CHECK(process.output().empty());
    const auto lines = lines_of(process.errors());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].rfind(program.name() + ": " + named, 0) == 0);
    CHECK(lines[1] == "try: " + program.name() + " --help");
}

}  // namespace

TEST_CASE("programs: a wrong argument is named and nothing else is done", "[programs]") {
    for (const auto& program : programs()) {
        refuses(program, {"--no-such"}, "--no-such");
        refuses(program, {"-x"}, "-x");
        refuses(program, {"stray"}, "stray");
        refuses(program, {"--quiet=1"}, "--quiet=1");
        refuses(program, {"--quie"}, "--quie");
        for (const auto& endpoint : program.endpoints)
            refuses(program, {"--" + endpoint.option}, "--" + endpoint.option);
        for (const auto& option : program.others) refuses(program, {"--" + option}, "--" + option);
    }
}

TEST_CASE("programs: what is no number or out of range is refused", "[programs]") {
    for (const auto& program : programs())
        for (const auto& option : program.others)
            if (is_number(option))
                for (const std::string value :
                     {"-1", "x", "", "1x", "1.5", " 1", "2147483648", "99999999999999999999"})
                    refuses(program, {"--" + option, value}, "--" + option + " " + value);
}

TEST_CASE("programs: each endpoint that is bound is listened on in the order of the options",
          "[programs]") {
    for (const auto& program : programs()) {
        if (!binds(program)) continue;
        INFO(program.path);
        const Folder folder;
        Process process(program.path, own_endpoints(program, folder));
        for (const auto& endpoint : program.endpoints) {
            if (!endpoint.binds()) continue;
            const std::string resolved = process.endpoint();
            CHECK(std::regex_match(resolved, std::regex("tcp://127\\.0\\.0\\.1:[1-9][0-9]+")));
            RawPeer reached(resolved);
        }
        CHECK(process.stop(SIGTERM) == (program.finite ? 128 + SIGTERM : 0));
    }
}

TEST_CASE("programs: an ipc endpoint will do", "[programs]") {
    for (const auto& program : programs()) {
        if (!binds(program)) continue;
        INFO(program.path);
        const Folder folder;
        Lines arguments = own_files(program, folder), expected;
        for (const auto& endpoint : program.endpoints) {
            arguments.push_back("--" + endpoint.option);
            arguments.push_back(folder.endpoint(endpoint.option));
            if (endpoint.binds()) expected.push_back(arguments.back());
        }
        Process process(program.path, arguments);
        for (const auto& endpoint : expected) CHECK(process.endpoint() == endpoint);
        CHECK(process.stop(SIGINT) == (program.finite ? 128 + SIGINT : 0));
    }
}

TEST_CASE("programs: a failing bind or connect names program and call and endpoint and reason",
          "[programs]") {
    Peer taken(ZMQ_ROUTER);
    taken.bind(any_port);
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    // libzmq 4.3.5 binds to the address of a host name; 4.3.4 takes none.
    const bool looks_names_up = ZMQ_MAKE_VERSION(major, minor, patch) >= ZMQ_MAKE_VERSION(4, 3, 5);
    for (const auto& program : programs())
        for (const auto& endpoint : program.endpoints) {
            const auto fails = [&](const std::string& value, const std::string& reason,
                                   const std::string& advice) {
                const Folder folder;
                Lines arguments = own_endpoints(program, folder);
                // It connects to senders only when its sinkers are there; tested with its folder.
                if (program.name() == "worker" && endpoint.option == "connect") return;
                arguments.push_back("--" + endpoint.option);
                arguments.push_back(value);
                if (program.path.rfind("push-pull2", 0) == 0 && !endpoint.binds()) {
                    // These are lists: leave the endpoint's own one out.
                    const auto own =
                        std::find(arguments.begin(), arguments.end(), "--" + endpoint.option);
                    arguments.erase(own, own + 2);
                }
                INFO(program.path << " --" << endpoint.option << " " << value);
                Process process(program.path, arguments);
                CHECK(process.wait() == 1);
                const auto lines = lines_of(process.errors());
                REQUIRE(lines.size() == 2);
                CHECK(lines[0] == program.name() +
                                      (endpoint.binds() ? ": zmq_bind " : ": zmq_connect ") +
                                      value + ": " + reason);
                CHECK(lines[1].find(advice) != std::string::npos);
            };
            if (endpoint.binds()) {
                fails(taken.endpoint(), "Address already in use", "another program");
                fails("tcp://192.0.2.1:5555", zmq_strerror(EADDRNOTAVAIL), "this machine");
                if (!looks_names_up) fails("tcp://localhost:5555", "No such device", "host name");
            } else {
                fails("tcp://*:5555", "Invalid argument", "* is for bind");
            }
            fails("nonsense", "Invalid argument", "an endpoint is tcp://");
            fails("no://transport", "Protocol not supported", "an endpoint is tcp://");
        }
}

TEST_CASE("programs: Ctrl-C and SIGTERM right after the listening line", "[programs]") {
    for (const auto& program : programs()) {
        if (!binds(program)) continue;
        for (const int number : {SIGINT, SIGTERM}) {
            INFO(program.path << " " << number);
            const Folder folder;
            Process process(program.path, own_endpoints(program, folder));
            for (const auto& endpoint : program.endpoints)
                if (endpoint.binds()) process.endpoint();
            CHECK(process.stop(number) == (program.finite ? 128 + number : 0));
            CHECK(process.errors() == program.interrupted());
            if (!program.summary.empty())
                CHECK(process.last_line().find(program.summary) != std::string::npos);
        }
    }
}

TEST_CASE("programs: Ctrl-C ends one that only connects and has no peer", "[programs]") {
    for (const auto& program : programs()) {
        if (binds(program) || program.endpoints.empty()) continue;
        INFO(program.path);
        // That a connection comes shows that the program is up. It is never answered.
        const Folder folder;
        Peer silent(ZMQ_STREAM);
        silent.bind(any_port);
        Lines arguments = own_files(program, folder);
        for (const auto& endpoint : program.endpoints) {
            arguments.push_back("--" + endpoint.option);
            arguments.push_back(silent.endpoint());
        }
        Process process(program.path, arguments);
        silent.receive();
        CHECK(process.stop(SIGINT) == (program.finite ? 128 + SIGINT : 0));
        CHECK(process.errors() == program.interrupted());
        CHECK(process.last_line() == program.summary);
    }
}

TEST_CASE("programs: with --quiet there are endpoints and a summary with time and rate",
          "[programs]") {
    const std::regex timed("[^ ].* in [0-9.]+ s, [0-9.]+/s");
    for (const auto& program : programs()) {
        INFO(program.path);
        const Folder folder;
        Lines arguments = own_endpoints(program, folder);
        arguments.push_back("--quiet");
        if (!binds(program) && !program.endpoints.empty())
            continue;  // with a peer, in its own test
        Process process(program.path, arguments);
        size_t bound = 0;
        for (const auto& endpoint : program.endpoints)
            if (endpoint.binds()) {
                process.endpoint();
                ++bound;
            }
        if (bound > 0) process.signal(SIGINT);
        process.wait();
        const auto lines = process.lines();
        if (program.path == "interrupt/server") {
            CHECK(lines.size() == bound + 3);  // and the two steps of its end
        } else if (program.summary.empty()) {
            CHECK(lines.size() == bound);
            continue;
        } else {
            CHECK(lines.size() == bound + 1);
        }
        CHECK(std::regex_match(lines.back(), timed));
    }
}

TEST_CASE("programs: a program that is stopped and continued goes on", "[programs]") {
    for (const auto& program : programs()) {
        if (!binds(program)) continue;
        INFO(program.path);
        const Folder folder;
        Process process(program.path, own_endpoints(program, folder));
        const std::string endpoint = process.endpoint();
        for (int n = 0; n < 3; ++n) {
            process.signal(SIGSTOP);
            process.signal(SIGCONT);
        }
        RawPeer still_there(endpoint);
        CHECK(process.stop(SIGTERM) == (program.finite ? 128 + SIGTERM : 0));
    }
}

TEST_CASE("programs: SIGINT that a shell has set to be ignored still ends a program",
          "[programs]") {
    for (const auto& program : programs()) {
        if (!binds(program)) continue;
        INFO(program.path);
        const Folder folder;
        Lines arguments = {"-c", "trap '' INT; exec \"$0\" \"$@\"", BINARY_DIR "/" + program.path};
        for (const auto& word : own_endpoints(program, folder)) arguments.push_back(word);
        Process process("/bin/sh", arguments);
        for (const auto& endpoint : program.endpoints)
            if (endpoint.binds()) process.endpoint();
        CHECK(process.stop(SIGINT) == (program.finite ? 128 + SIGINT : 0));
    }
}

TEST_CASE("programs: a closed standard stream is not taken for a socket", "[programs]") {
    for (const auto& program : programs()) {
        if (!binds(program)) continue;
        INFO(program.path);
        const Folder folder;
        Lines arguments = {"-c", "exec \"$0\" \"$@\" <&- >&-", BINARY_DIR "/" + program.path};
        for (const auto& word : own_files(program, folder)) arguments.push_back(word);
        // Names of one letter: where Ctrl-C comes while libzmq tells a monitor of a connection,
        // libzmq 4.3 loses that message, and from 34 bytes on it has memory of its own (a leak to
        // ASan).
        char name = 'a';
        std::string reached;
        for (const auto& endpoint : program.endpoints) {
            arguments.push_back("--" + endpoint.option);
            arguments.push_back(folder.endpoint(std::string(1, name++)));
            if (reached.empty() && endpoint.binds()) reached = arguments.back();
        }
        Process process("/bin/sh", arguments);
        Peer peer(ZMQ_DEALER);  // any connection shows that the program is up
        peer.connect_until(reached, ZMQ_EVENT_CONNECTED);
        CHECK(process.stop(SIGINT) == (program.finite ? 128 + SIGINT : 0));
        CHECK(process.errors() == program.interrupted());
    }
}

// ThreadSanitizer flushes the streams in _exit, and so waits for who does not read.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLUSHES_AT_EXIT
#endif
#elif defined(__SANITIZE_THREAD__)
#define FLUSHES_AT_EXIT
#endif

#ifndef FLUSHES_AT_EXIT
TEST_CASE("programs: Ctrl-C ends one whose standard error nobody reads", "[programs]") {
    const Folder folder;
    const std::string fifo = folder.path("errors");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const int held = open(fifo.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    REQUIRE(held != -1);
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("/bin/sh", {"-c", "exec \"$0\" \"$@\" 2>'" + fifo + "'",
                                   BINARY_DIR "/pub-sub-envelope/subscriber", "--connect",
                                   publisher.endpoint(), "--key", "", "--count", "0"});
    publisher.receive();                                             // its subscription
    for (int n = 0; n < 5000; ++n) publisher.send({"no envelope"});  // each is named
    const auto until = std::chrono::steady_clock::now() + deadline;
    for (pollfd item{held, POLLOUT, 0}; poll(&item, 1, 0) == 1;)  // until the FIFO is full
        REQUIRE(std::chrono::steady_clock::now() < until);
    CHECK(subscriber.stop(SIGINT) == 0);
    close(held);
}
#endif

TEST_CASE("programs: a sender waits also for a sinker that has been there and has left",
          "[programs]") {
    struct Pattern {
        std::string name;
        std::vector<std::string> task, announcement;
    };
    for (const auto& pattern : {Pattern{"push-pull", {"1"}, {"expect", "1"}},
                                Pattern{"push-pull2", {"1 a"}, {"expect", "a", "1", "0", "1"}}}) {
        const Folder folder;
        Process sender(pattern.name + "/sender",
                       {"--bind", any_port, "--sink", folder.endpoint("r"), "--count", "1"});
        Peer(ZMQ_PULL).bind_until(folder.endpoint("r"), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        Peer worker(ZMQ_PULL);
        worker.connect(sender.endpoint());
        CHECK(worker.receive() == pattern.task);
        CHECK_THROWS(sender.wait(std::chrono::seconds(1)));  // longer than its linger at Ctrl-C
        Peer sinker(ZMQ_PULL);
        sinker.bind(folder.endpoint("r"));
        CHECK(sinker.receive() == pattern.announcement);
        CHECK(sender.wait() == 0);
    }
}

TEST_CASE("programs: a second Ctrl-C kills while the first is being heeded", "[programs]") {
    // A sender whose announcement no sinker takes: after the first it still waits for one a while.
    // The announcement is on its way when the first task has come.
    const Folder folder;
    Process sender("push-pull/sender",
                   {"--bind", any_port, "--sink", folder.endpoint("nobody"), "--count", "1"});
    Peer worker(ZMQ_PULL);
    worker.connect(sender.endpoint());
    CHECK(worker.receive() == Lines{"1"});
    sender.signal(SIGINT);
    // The first may not have been taken yet: SIGINT does not queue, so it is sent until it kills.
    Process other("/bin/sh", {"-c", "while kill -INT " + std::to_string(sender.id()) +
                                        " 2>/dev/null; do :; done"});
    CHECK(sender.wait() == -SIGINT);
}
