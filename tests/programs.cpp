// What all programs do, whatever their pattern.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

#include "patterns.hpp"

namespace {

using Catch::Matchers::Matches;

/// How long a program may take after Ctrl-C, where the processors are busy.
constexpr std::chrono::seconds second{4};

}  // namespace

TEST_CASE("programs: the table has every program that is built", "[programs]") {
    const std::string built = std::regex_replace(PROGRAMS, std::regex(":"), " ");
    std::set<std::string> named;
    for (const auto& program : programs()) named.insert(program.path);
    CHECK(Lines(named.begin(), named.end()) == sorted(words_of(built)));
    for (const auto& pattern : patterns())
        for (const auto& part : pattern.parts) named.erase(part.path);
    CHECK(named == std::set<std::string>{"mt-ready/steps"});  // the only one without a pattern
}

TEST_CASE("programs: --help shows all options with sockets and defaults", "[programs]") {
    each_program([](const Program& program) {
        Process process(program.path, {"--help"}), with_h(program.path, {"-h"});
        CHECK(process.wait() == 0);
        CHECK(process.errors().empty());
        CHECK(with_h.wait() == 0);
        CHECK(with_h.output() == process.output());
        const auto lines = process.lines();
        REQUIRE(lines.size() > 3);
        CHECK(lines[0] == "Usage: " + program.name() + " [OPTION]...");
        CHECK_THAT(lines[1], Matches("[A-Z][a-z]*[a-rt-z] .*\\."));  // Send, not Sends
        CHECK(lines[2].empty());
        Lines options;
        for (const auto& [option, type, ports] : program.endpoints) {
            std::string line = option + " ENDPOINT .* " + type + " socket.* " +
                               (program.binds() ? "binds" : "connects") +
                               "[ ,].*default: " + (ports.empty() ? "none" : "");
            for (const int port : ports)
                line +=
                    (port == ports[0] ? "" : ", ") + ("tcp://127.0.0.1:" + std::to_string(port));
            options.push_back(line + "\\)");
        }
        for (const auto& setting : program.settings)
            options.push_back(setting.option + " [A-Z]+ .*" +
                              (setting.option == "count" ? "0 = until Ctrl-C.*" : "") +
                              "default: " + setting.fallback + "\\)");
        options.push_back("quiet .*");
        options.push_back("help .*");
        REQUIRE(lines.size() == 3 + options.size());
        for (size_t i = 0; i < options.size(); ++i)
            CHECK_THAT(lines[3 + i], Matches("(  -h, |      )--" + options[i]));
    });
}

TEST_CASE("programs: a wrong argument is named and nothing else is done", "[programs]") {
    each_program([](const Program& program) {
        const auto refuses = [&program](const Lines& wrong, const std::string& named) {
            const Folder folder;
            Lines arguments = own_endpoints(program, folder);
            arguments.insert(arguments.end(), wrong.begin(), wrong.end());
            INFO(named);
            Process process(program.path, arguments);
            CHECK(process.wait() == 2);
            CHECK(process.output().empty());
            const auto lines = lines_of(process.errors());
            REQUIRE(lines.size() == 2);
            CHECK(lines[0].rfind(program.name() + ": " + named + ": ", 0) == 0);
            CHECK(lines[1] == "Try '" + program.name() + " --help' for more information.");
            CHECK_FALSE(std::filesystem::exists(folder.path("own.secret")));
        };
        for (const std::string wrong : {"--no-such", "stray"}) refuses({wrong}, wrong);
        for (const auto& endpoint : program.endpoints)
            refuses({"--" + endpoint.option}, "--" + endpoint.option);
        for (const auto& [name, fallback, least, most] : program.settings) {
            const std::string option = "--" + name;
            refuses({option}, option);
            if (least < 0) continue;
            for (const std::string& value :
                 {std::string("1x"), std::to_string(least - 1L), std::to_string(most + 1L)})
                refuses({option, value}, option + " " + value);
        }
        if (program.path != "req-rep/client") return;
        for (const std::string wrong : {"-x", "--quiet=1"}) refuses({wrong}, wrong);
        refuses({"--quiet", "\x1b[31m"}, "\\x1b[31m");
        refuses({"--count", ""}, "--count ");
    });
}

TEST_CASE("programs: a failing bind or connect is reported with its endpoint and a hint",
          "[programs]") {
    Peer holder(ZMQ_ROUTER);
    const std::string taken = holder.bind(any_port);
    each_program([&](const Program& program) {
        for (const auto& endpoint : program.endpoints) {
            // Connects to its senders only after READY from its sinkers: tested with its folder.
            if (program.path == "push-pull2/worker" && endpoint.option == "connect") continue;
            const auto fails = [&](const std::string& value, const std::string& reason) {
                const Folder folder;
                Process process(program.path,
                                own_endpoints(program, folder, endpoint.option, value));
                INFO("--" << endpoint.option << " " << value);
                CHECK(process.wait() == 1);
                const auto lines = lines_of(process.errors());
                REQUIRE(lines.size() == 2);
                CHECK(lines[0] == program.name() +
                                      (program.binds() ? ": zmq_bind " : ": zmq_connect ") + value +
                                      ": " + reason);
                CHECK(lines[1].rfind("hint: ", 0) == 0);
                CHECK(process.lines().size() == process.lines_with("listening on").size());
            };
            if (program.binds()) {
                fails(taken, "Address already in use");
                fails("tcp://192.0.2.1:5555", zmq_strerror(EADDRNOTAVAIL));
                if (ZMQ_VERSION < ZMQ_MAKE_VERSION(4, 3, 5))  // later ones look the name up
                    fails("tcp://localhost:5555", "No such device");
            } else {
                fails("tcp://*:5555", "Invalid argument");
            }
            fails("nonsense", "Invalid argument");
            fails("no://transport", "Protocol not supported");
        }
    });
}

TEST_CASE("programs: Ctrl-C and SIGTERM end a program that has no peer", "[programs]") {
    each_program([](const Program& program) {
        if (program.endpoints.empty()) return;
        for (const int number : {SIGINT, SIGTERM}) {
            const Folder folder;
            const Listener silent;
            const auto option = program.binds() ? "" : program.endpoints.back().option;
            Process process(program.path,
                            own_endpoints(program, folder, option, silent.endpoint()));
            if (program.binds())  // wait until it is up
                for (size_t n = 0; n < program.endpoints.size(); ++n) process.endpoint();
            else
                silent.take();
            CHECK(process.stop(number, second) == 128 + number);
            CHECK(process.errors() == "interrupted\n");
            if (!program.summary.empty()) CHECK_THAT(process.last_line(), Matches(program.summary));
        }
    });
}

TEST_CASE("programs: Ctrl-C ends each program of a pattern in the middle of traffic",
          "[programs]") {
    each_pattern([](const Pattern& pattern) {
        // Each is the first to end in one run, and loses its peers in the others.
        for (size_t first = 0; first < pattern.parts.size(); ++first) {
            Running running(pattern, true);
            running.start_all();
            running.wait_for_traffic();
            running.processes[first].stop(SIGINT);
            running.check_end(second);
            for (auto& process : running.processes) CHECK(process.errors() == "interrupted\n");
        }
    });
}

TEST_CASE("programs: with --quiet, started in any order, a pattern prints endpoints and summaries",
          "[programs]") {
    each_pattern([](Pattern pattern) {
        auto& parts = pattern.parts;
        for (auto& part : parts) {
            part.arguments += " --quiet";
            if (!part.summary.empty()) part.summary += " in [0-9]+\\.[0-9]+ s, [0-9]+/s";
        }
        std::deque<Running> all;  // at the same time, because libzmq waits before it connects again
        for (size_t n = 0; n < parts.size(); ++n) {  // each is the first once
            Running& running = all.emplace_back(pattern);
            running.ipc = n > 0;
            running.start_all();
            std::rotate(parts.begin(), parts.end() - 1, parts.end());
        }
        for (auto& running : all) {
            running.check_end();
            for (size_t i = 0; i < parts.size(); ++i) {
                const std::string& path = running.pattern.parts[i].path;
                INFO(path);
                Process& process = running.processes[i];
                const size_t others =
                    process.lines().size() - process.lines_with("listening on").size();
                CHECK(others ==
                      (path == "ex-req-rep2/proxy" || path == "interrupt/server" ? 0 : 1));
            }
        }
    });
}

// ThreadSanitizer flushes the streams in _exit, and waits for their reader.
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_THREAD__) && !__has_feature(thread_sanitizer)

TEST_CASE("programs: Ctrl-C ends a program when nothing reads its lines, and a second one kills",
          "[programs]") {
    // A stream, and the type of a socket that sends messages to print, or to name as ignored.
    const auto [command, stream, type, message] = GENERATE(table<std::string, int, int, Frames>(
        {{"pub-sub/publisher --interval 0", 1, ZMQ_SUB, {}},
         {"mt-req-rep/server", 1, ZMQ_DEALER, {"", "Hello"}},  // its threads are blocked
         {"interrupt/server", 1, ZMQ_DEALER, {"", "Hello"}},
         {"push-pull/sinker --count 0", 2, ZMQ_PUSH, {"no result"}}}));
    const bool twice = GENERATE(false, true);
    INFO(command << (twice ? ", twice" : ""));
    const Folder folder;
    const std::string fifo = folder.path("unread"), endpoint = folder.endpoint("e");
    must(mkfifo(fifo.c_str(), 0600), "mkfifo");
    const int reader = must(open(fifo.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK), "open");
    // As a shell starts `program &`: with SIGINT ignored.
    Shell process("trap '' INT; exec \"$built\"/" + command + " --bind " + endpoint + " " +
                  std::to_string(stream) + ">" + fifo);
    Peer peer(type);
    peer.connect(endpoint);
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (pollfd room{reader, POLLOUT, 0}; poll(&room, 1, 0) == 1;) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        std::this_thread::yield();
        for (int n = 0; n < 1000; ++n) peer.send(message);
    }
    while (write(reader, "-", 1) == 1) continue;  // no room is left
    if (twice) {  // the first may still be on its way, and equal signals do not queue
        const std::string id = std::to_string(process.id());
        Shell sends("while kill -INT " + id + " 2>/dev/null; do :; done");
        CHECK(process.wait(second) == -SIGINT);
    } else {
        CHECK(process.stop(SIGINT, second) == 128 + SIGINT);
    }
    close(reader);
}
#endif
