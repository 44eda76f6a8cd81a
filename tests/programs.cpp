// What all programs do, whatever their pattern.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

#include "handshake.hpp"
#include "patterns.hpp"
#include "relay.hpp"

namespace {

/// Calls `test` for each program that can run here.
void each_program(const std::function<void(const Program&)>& test) {
    for (const auto& program : programs())
        if (can_run(program.path)) {
            INFO(program.path);
            test(program);
        }
}

void each_pattern(const std::function<void(const Pattern&)>& test) {
    for (const auto& pattern : patterns())
        if (can_run(pattern.name + "/")) {
            INFO(pattern.name);
            test(pattern);
        }
}

bool matches(const std::string& text, const std::string& pattern) {
    return std::regex_match(text, std::regex(pattern));
}

/// The arguments of own_endpoints(), but with another endpoint.
Lines with(const Program& program, const Folder& folder, const std::string& option,
           const std::string& value) {
    Lines arguments = own_endpoints(program, folder);
    *(std::find(arguments.begin(), arguments.end(), "--" + option) + 1) = value;
    return arguments;
}

/// A program with endpoints of its own, started, and no peer.
struct Alone {
    /// With `command`, the shell starts it: `command` ends with exec "$0" "$@".
    explicit Alone(const Program& program, const std::string& command = "") {
        Lines arguments = own_endpoints(program, folder);
        const Listener silent;
        if (!program.binds())
            for (const auto& endpoint : program.endpoints)
                *(std::find(arguments.begin(), arguments.end(), "--" + endpoint.option) + 1) =
                    silent.endpoint();
        if (!command.empty())
            arguments.insert(arguments.begin(), {"-c", command, BINARY_DIR "/" + program.path});
        process.emplace(command.empty() ? program.path : "/bin/sh", arguments);
        if (program.binds())
            for (size_t i = 0; i < program.endpoints.size(); ++i)
                endpoints.push_back(process->endpoint());
        else
            silent.take();  // so the program is up; this peer leaves silently
    }
    Folder folder;
    std::optional<Process> process;
    Lines endpoints;
};

/// How long a program may take after Ctrl-C, where the processors are busy.
constexpr std::chrono::seconds second{4};

void ends_on(int number, Process& process, const std::string& summary) {
    process.signal(number);
    CHECK(process.wait(second) == 128 + number);
    CHECK(process.errors() == "interrupted\n");
    if (!summary.empty()) CHECK(matches(process.last_line(), summary));
}

}  // namespace

TEST_CASE("programs: the table has every program that is built", "[programs]") {
    std::istringstream stream(PROGRAMS);
    std::set<std::string> built, named;
    for (std::string path; std::getline(stream, path, ':');) built.insert(path);
    for (const auto& program : programs()) named.insert(program.path);
    for (const auto& pattern : patterns())
        for (const auto& part : pattern.parts) named.erase(part.path);
    CHECK(named == std::set<std::string>{"mt-ready/steps"});  // the only one without a pattern
    for (const auto& program : programs()) named.insert(program.path);
    CHECK(built == named);
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
        CHECK(matches(lines[1], "[A-Z][a-z]*[a-rt-z] .*\\."));  // Send, not Sends
        CHECK(lines[2].empty());
        std::map<std::string, std::string> help;
        std::smatch match;
        static const std::regex option("(?:  -h, |      )--([a-z]+)( [A-Z]+)?   *([^ ].*)");
        for (size_t i = 3; i < lines.size(); ++i) {
            INFO(lines[i]);
            REQUIRE(std::regex_match(lines[i], match, option));
            help[match[1]] = match[3];
        }
        const auto ends_with_default = [&help](const std::string& name, const std::string& value) {
            const std::string& line = help[name];
            CHECK(line.find("default: " + value + ")") != std::string::npos);
        };
        for (const auto& endpoint : program.endpoints) {
            ends_with_default(endpoint.option, endpoint.fallback);
            CHECK(matches(help[endpoint.option], ".* " + endpoint.type + " socket.* " +
                                                     (endpoint.binds ? "binds" : "connects") +
                                                     "[ ,].*"));
            help.erase(endpoint.option);
        }
        for (const auto& setting : program.settings) {
            ends_with_default(setting.option, setting.fallback);
            if (setting.option == "count")
                CHECK(help["count"].find("0 = until Ctrl-C") != std::string::npos);
            help.erase(setting.option);
        }
        CHECK(help.count("quiet") == 1);
        CHECK(help.count("help") == 1);
        CHECK(help.size() == 2);
    });
}

namespace {

/// The program exits with 2, names the argument, and has done nothing.
void refuses(const Program& program, const Lines& wrong, const std::string& named) {
    const Folder folder;
    Lines arguments = own_files(program, folder);
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
}

}  // namespace

TEST_CASE("programs: a wrong argument is named and nothing else is done", "[programs]") {
    each_program([](const Program& program) {
        for (const std::string wrong : {"--no-such", "-x", "stray", "--quiet=1"})
            refuses(program, {wrong}, wrong);
        refuses(program, {"--quiet", "\x1b[31m"}, "\\x1b[31m");
        for (const auto& endpoint : program.endpoints)
            refuses(program, {"--" + endpoint.option}, "--" + endpoint.option);
        for (const auto& setting : program.settings)
            refuses(program, {"--" + setting.option}, "--" + setting.option);
    });
}

TEST_CASE("programs: a value that is not a number or out of range is refused", "[programs]") {
    each_program([](const Program& program) {
        for (const auto& setting : program.settings) {
            if (setting.least < 0) continue;
            Lines wrong = {"", "1x", "2147483648"};
            wrong.push_back(std::to_string(setting.least - 1));
            if (setting.most < INT_MAX) wrong.push_back(std::to_string(setting.most + 1));
            for (const auto& value : wrong)
                refuses(program, {"--" + setting.option, value},
                        "--" + setting.option + " " + value);
        }
    });
}

TEST_CASE("programs: each endpoint that is bound is printed in order and can be reached",
          "[programs]") {
    each_program([](const Program& program) {
        if (!program.binds()) return;
        const Alone alone(program);
        for (const auto& endpoint : alone.endpoints) {
            CHECK(matches(endpoint, "tcp://127\\.0\\.0\\.1:[1-9][0-9]+"));
            RawPeer peer(endpoint);
        }
        // On ipc the names show which is which.
        const Folder folder;
        Lines arguments = own_files(program, folder);
        for (const auto& endpoint : program.endpoints) {
            arguments.push_back("--" + endpoint.option);
            arguments.push_back(folder.endpoint(endpoint.option));
        }
        Process process(program.path, arguments);
        for (const auto& endpoint : program.endpoints)
            CHECK(process.endpoint() == folder.endpoint(endpoint.option));
    });
}

TEST_CASE("programs: a failing bind or connect is reported with its endpoint and a hint",
          "[programs]") {
    Peer taken(ZMQ_ROUTER);
    taken.bind(any_port);
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    // libzmq 4.3.5 binds to the address of a host name; 4.3.4 takes no names.
    const bool looks_names_up = ZMQ_MAKE_VERSION(major, minor, patch) >= ZMQ_MAKE_VERSION(4, 3, 5);
    each_program([&](const Program& program) {
        for (const auto& endpoint : program.endpoints) {
            // Connects to its senders only after READY from its sinkers: tested with its folder.
            if (program.path == "push-pull2/worker" && endpoint.option == "connect") continue;
            const auto fails = [&](const std::string& value, const std::string& reason) {
                const Folder folder;
                Process process(program.path, with(program, folder, endpoint.option, value));
                INFO("--" << endpoint.option << " " << value);
                CHECK(process.wait() == 1);
                const auto lines = lines_of(process.errors());
                REQUIRE(lines.size() == 2);
                CHECK(lines[0] == program.name() +
                                      (endpoint.binds ? ": zmq_bind " : ": zmq_connect ") + value +
                                      ": " + reason);
                CHECK(lines[1].rfind("hint: ", 0) == 0);
                for (const auto& line : process.lines())  // no summary
                    CHECK(line.rfind("listening on ", 0) == 0);
            };
            if (endpoint.binds) {
                fails(taken.endpoint(), "Address already in use");
                fails("tcp://192.0.2.1:5555", zmq_strerror(EADDRNOTAVAIL));
                if (!looks_names_up) fails("tcp://localhost:5555", "No such device");
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
            Alone alone(program);
            ends_on(number, *alone.process, program.summary);
        }
    });
}

TEST_CASE("programs: Ctrl-C ends a program that a shell has told to ignore it", "[programs]") {
    each_program([](const Program& program) {
        if (program.endpoints.empty()) return;
        Alone alone(program, "trap '' INT; exec \"$0\" \"$@\"");
        ends_on(SIGINT, *alone.process, program.summary);
    });
}

TEST_CASE("programs: Ctrl-C ends each program of a pattern in the middle of traffic",
          "[programs]") {
    each_pattern([](const Pattern& pattern) {
        const auto& parts = pattern.parts;
        // Each is the first to end in one run, and loses its peers in the others.
        for (size_t first = 0; first < parts.size(); ++first) {
            Running running(pattern, true);
            running.start_all();
            running.wait_for_traffic();
            const int number = first % 2 == 0 ? SIGINT : SIGTERM;
            running.processes[first].stop(number);
            for (auto& process : running.processes) process.signal(number);
            for (size_t i = 0; i < parts.size(); ++i) {
                Process& process = running.processes[i];
                INFO(parts[i].path);
                CHECK(process.wait(second) == 128 + number);
                CHECK(process.errors() == "interrupted\n");
                if (parts[i].shows.empty() || parts[i].path == "interrupt/server") continue;
                // Each message is counted, but those at work then: one for each thread.
                std::smatch summary;
                const auto lines = process.lines();
                REQUIRE(std::regex_match(lines.back(), summary, std::regex("([0-9]+) [a-z]+")));
                const auto shown = std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
                    return line.find(parts[i].shows) != std::string::npos;
                });
                CHECK(shown >= std::stoi(summary[1]));
                CHECK(shown <= std::stoi(summary[1]) + 4);
            }
        }
    });
}

TEST_CASE("programs: the programs of a pattern start in any order", "[programs]") {
    each_pattern([](Pattern pattern) {
        if (pattern.name == "curve-req-rep") return;  // its client needs the server's key file
        for (size_t n = 0; n < pattern.parts.size(); ++n) {  // each is the first once
            std::rotate(pattern.parts.begin(), pattern.parts.end() - 1, pattern.parts.end());
            Running running(pattern);
            running.use_ipc();
            running.start_all();
            running.check_end();
        }
    });
}

TEST_CASE("programs: a program that is stopped and continued goes on", "[programs]") {
    each_pattern([](const Pattern& pattern) {
        Running running(pattern, true);
        running.start_all();
        running.wait_for_traffic();
        for (auto& process : running.processes) {
            process.signal(SIGSTOP);
            int status = 0;
            CHECK(waitpid(process.id(), &status, WUNTRACED) == process.id());
            CHECK(WIFSTOPPED(status));
            process.signal(SIGCONT);
        }
        std::vector<size_t> before;
        for (auto& process : running.processes) before.push_back(process.lines().size());
        for (size_t i = 0; i < pattern.parts.size(); ++i)
            while (!pattern.parts[i].shows.empty() &&
                   running.processes[i].lines().size() <= before[i])
                running.processes[i].wait_for(pattern.parts[i].shows);
    });
}

TEST_CASE("programs: with --quiet there are endpoints and a summary with time and rate",
          "[programs]") {
    each_pattern([](Pattern pattern) {
        for (auto& part : pattern.parts) {
            part.arguments += " --quiet";
            if (!part.summary.empty()) part.summary += " in [0-9]+\\.[0-9]+ s, [0-9]+/s";
        }
        Running running(pattern);
        running.start_all();
        running.check_end();
        for (size_t i = 0; i < pattern.parts.size(); ++i) {
            INFO(pattern.parts[i].path);
            Lines lines = running.processes[i].lines();
            const auto is_endpoint = [](const std::string& line) {
                return line.rfind("listening on ", 0) == 0;
            };
            lines.erase(std::remove_if(lines.begin(), lines.end(), is_endpoint), lines.end());
            const std::string& path = pattern.parts[i].path;
            CHECK(lines.size() ==
                  (path == "ex-req-rep2/proxy" || path == "interrupt/server" ? 0 : 1));
        }
    });
}

// ThreadSanitizer flushes the streams in _exit, and waits for their reader.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLUSHES_AT_EXIT
#endif
#elif defined(__SANITIZE_THREAD__)
#define FLUSHES_AT_EXIT
#endif
#ifndef FLUSHES_AT_EXIT

namespace {

/// A file that takes some bytes, and then blocks, because it has no reader.
class Unread {
 public:
    Unread() {
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        fd_ = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
        REQUIRE(fd_ != -1);
    }
    ~Unread() { close(fd_); }
    Unread(const Unread&) = delete;
    /// Waits until the program has printed some lines, and leaves no room for more.
    void fill() const {
        const auto end = std::chrono::steady_clock::now() + deadline;
        for (int printed = 0; printed < 500; ioctl(fd_, FIONREAD, &printed)) {
            std::this_thread::yield();
            if (std::chrono::steady_clock::now() > end) throw std::runtime_error("not in traffic");
        }
        for (const auto& filler : {std::string(PIPE_BUF, '-'), std::string("-")})
            while (write(fd_, filler.data(), filler.size()) != -1) continue;
    }

 private:
    const Folder folder_;
    int fd_ = -1;

 public:
    const std::string path = folder_.path("unread");
};

/// Does `test` to each program that prints a line for a message, in traffic, when nothing reads
/// its lines. It ends with this status.
void each_unread(const std::function<void(Process&)>& test, int status) {
    struct Tested {
        Tested(const Pattern& pattern, size_t part) : index(part), running(pattern, true) {}
        Process& process() { return running.processes[index]; }
        const size_t index;
        const Unread unread;
        Running running;
    };
    std::deque<Tested> all;  // at the same time, because some need 0.7 s to end
    each_pattern([&](const Pattern& pattern) {
        for (size_t tested = 0; tested < pattern.parts.size(); ++tested) {
            if (pattern.parts[tested].shows.empty()) continue;
            Tested& one = all.emplace_back(pattern, tested);
            Running& running = one.running;
            running.use_ipc();  // its output cannot be read; and the key files must be there
            if (pattern.name == "curve-req-rep") running.start_those_that(true);
            running.processes.clear();
            for (size_t i = 0; i < pattern.parts.size(); ++i)
                running.start(pattern.parts[i], i == tested ? one.unread.path : "");
            one.unread.fill();
            test(one.process());
            for (auto& process : running.processes)
                if (&process != &one.process()) process.stop(SIGKILL);
        }
    });
    for (auto& tested : all) CHECK(tested.process().wait(second) == status);
}

}  // namespace

TEST_CASE("programs: Ctrl-C ends a program when nothing reads its output any more", "[programs]") {
    each_unread([](Process& process) { process.signal(SIGINT); }, 128 + SIGINT);
}

TEST_CASE("programs: a second Ctrl-C kills a program that cannot end", "[programs]") {
    each_unread(
        [](Process& process) {
            // The first may still be on its way, and equal signals do not queue.
            Process sends("/bin/sh", {"-c", "while kill -INT " + std::to_string(process.id()) +
                                                " 2>/dev/null; do :; done"});
            process.wait(second);
        },
        -SIGINT);
}

TEST_CASE("programs: Ctrl-C ends a program when nothing reads its errors any more", "[programs]") {
    const Unread unread;
    Peer publisher(ZMQ_XPUB);
    publisher.bind(any_port);
    Process subscriber("/bin/sh", {"-c", "exec \"$0\" \"$@\" 2>'" + unread.path + "'",
                                   BINARY_DIR "/pub-sub-envelope/subscriber", "--connect",
                                   publisher.endpoint(), "--key", "", "--count", "0"});
    publisher.receive();                                             // its subscription
    for (int n = 0; n < 5000; ++n) publisher.send({"no envelope"});  // each is named
    unread.fill();
    subscriber.signal(SIGINT);
    CHECK(subscriber.wait(second) == 128 + SIGINT);
}
#endif

TEST_CASE("programs: peers that do not speak ZeroMQ, or are of a wrong type, do no harm",
          "[programs]") {
    each_pattern([](const Pattern& pattern) {
        Running running(pattern);
        running.start_those_that(true);
        std::deque<RawPeer> silent;
        for (const auto& [name, endpoint] : running.endpoints) {
            for (const std::string type : {"PAIR", "NONSENSE"}) {
                RawPeer peer(endpoint);
                peer.send(zmtp::handshake(type));
                peer.wait_for_end();
            }
            // A plain REP of libzmq may lose a reply after the others, and its client must ask
            // again.
            if (pattern.name == "req-rep") continue;
            // It stays: a PUSH or DEALER that took it for a worker or a server would send it work.
            silent.emplace_back(endpoint).send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            RawPeer(endpoint).send(std::string(1000, '\0'));
            RawPeer(endpoint).send(zmtp::greeting().substr(0, 20));
            silent.emplace_back(endpoint).send(zmtp::greeting().substr(0, 20));
            silent.emplace_back(endpoint);
        }
        running.start_those_that(false);
        running.check_end();
    });
}

TEST_CASE("programs: odd answers do not keep a program that connects from its peers",
          "[programs]") {
    std::deque<Running> all;  // at the same time, because libzmq waits before it connects again
    std::deque<Relay> relays;
    each_pattern([&](const Pattern& pattern) {
        // A secure client gives up: tested with its folder.
        if (pattern.name == "curve-req-rep") return;
        Running& running = all.emplace_back(pattern);
        running.start_those_that(true);
        for (auto& [name, endpoint] : running.endpoints) {
            relays.emplace_back(endpoint,
                                Lines{"", zmtp::greeting().substr(0, 20), zmtp::greeting()});
            endpoint = relays.back().endpoint();
        }
        running.start_those_that(false);
    });
    for (auto& running : all) running.check_end();
}
