// Runs programs under strace and shows what each printed and what went over the wire between them.
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "strace.hpp"

namespace {

using Strings = std::vector<std::string>;

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) throw std::runtime_error("cannot read " + path);
    return text.str();
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    if (!(out << text).flush()) throw std::runtime_error("cannot write " + path);
}

double now() {
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// Ports for @/5555 and the like, on a loopback address of this run's own: 127.0.0.1:5555 may be
/// taken, and another run may take a port between the moments when it is found free and bound.
class Ports {
 public:
    /// Puts endpoints in the place of the marks, and counts them: those seen here first and others.
    std::string fill_in(std::string argument, size_t& fresh, size_t& known) {
        const size_t at = argument.find("@/");
        if (at == argument.npos) return argument;
        const std::string shown = "127.0.0.1:" + argument.substr(at + 2);
        auto found = std::find_if(shown_.begin(), shown_.end(),
                                  [&](const auto& one) { return one.second == shown; });
        ++(found == shown_.end() ? fresh : known);
        if (found == shown_.end()) found = shown_.insert(found, {free_address(), shown});
        return argument.replace(at, argument.npos, "tcp://" + found->first);
    }
    const auto& shown() const { return shown_; }

 private:
    std::string free_address() const {
        const auto id = static_cast<std::uint32_t>(getpid());
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(0x7f400001U | (id & 0x1fffffU) << 1);
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        socklen_t size = sizeof address;
        char text[INET_ADDRSTRLEN];
        if (fd == -1 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) == -1 ||
            getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == -1 ||
            inet_ntop(AF_INET, &address.sin_addr, text, sizeof text) == nullptr)
            throw std::runtime_error(std::string("no free port: ") + std::strerror(errno));
        close(fd);
        return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
    }
    std::vector<std::pair<std::string, std::string>> shown_;  // the real one, what it stands for
};

struct Run {
    std::string name;
    bool stopped = false;  // by Ctrl-C, when the others have ended
    Strings words;
    size_t binds = 0, connects = 0;  // marked endpoints
    pid_t id = -1;
    int status = -1;  // once it has ended
};

class Tracer {
 public:
    explicit Tracer(std::vector<Run> runs) : runs_(std::move(runs)) {
        std::string folder = "/tmp/wire.XXXXXX";
        if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
        folder_ = folder;
        sigemptyset(&signals_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals_, number);
        sigprocmask(SIG_BLOCK, &signals_, &before_);
    }
    ~Tracer() {
        for (const Run& run : runs_)
            if (run.id > 0 && run.status == -1) kill(-run.id, SIGKILL);
        std::filesystem::remove_all(folder_);
    }
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;

    Recording record() {
        for (Run& run : runs_)
            for (std::string& word : run.words)
                word = ports_.fill_in(word, run.binds, run.connects);
        for (Run& run : runs_) {
            start(run);
            const double deadline = now() + 5000;
            while (!is_up(run) && now() < deadline) wait();
        }
        while (std::any_of(runs_.begin(), runs_.end(),
                           [](const Run& run) { return !run.stopped && run.status == -1; }))
            wait();
        stop(SIGINT);
        while (std::any_of(runs_.begin(), runs_.end(),
                           [](const Run& run) { return run.status == -1; }))
            wait();
        return read().recording;
    }
    /// What went wrong, a line for each program.
    std::string failures() const {
        std::string text;
        for (const Run& run : runs_) {
            const int code =
                WIFEXITED(run.status) ? WEXITSTATUS(run.status) : 128 + WTERMSIG(run.status);
            if (code != 0 && !(code == 128 + SIGINT && stopping_))
                text += "trace: " + run.name + ": exit status " + std::to_string(code) + "\n";
        }
        return text;
    }

 private:
    void start(Run& run) {
        Strings words = strace_command(folder_ + "/" + run.name);
        words.insert(words.end(), run.words.begin(), run.words.end());
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        run.id = fork();
        if (run.id == -1) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
        if (run.id > 0) return;
        setpgid(0,
                0);  // strace heeds no SIGINT itself, so one to the group reaches the program alone
        sigprocmask(SIG_SETMASK, &before_, nullptr);
        const std::string output = folder_ + "/output";
        if (std::freopen("/dev/null", "r", stdin) == nullptr ||
            std::freopen(output.c_str(), "a", stdout) == nullptr || dup2(1, 2) == -1)
            _exit(127);
        execvp(arguments[0], arguments.data());
        _exit(127);
    }
    /// Waits for a signal, or a moment: whether a program is up is read from its log.
    void wait() {
        const timespec moment{0, 20'000'000};
        const int number = sigtimedwait(&signals_, nullptr, &moment);
        if (number == SIGINT || number == SIGTERM || number == SIGHUP)
            stop(stopping_ ? SIGKILL : SIGINT);
        for (Run& run : runs_)
            if (run.id > 0 && run.status == -1) waitpid(run.id, &run.status, WNOHANG);
    }
    void stop(int number) {
        stopping_ = true;
        for (const Run& run : runs_)
            if (run.id > 0 && run.status == -1) {
                stopped_.emplace_back(now(), run.name);
                kill(-run.id, number);
            }
    }
    /// Whether all that it binds listens, and each of its connections has completed its handshake.
    bool is_up(const Run& run) const {
        if (run.status != -1 || stopping_) return true;
        const Reading reading = read();
        const auto listening = reading.listening.find(run.name);
        const size_t bound =
            listening == reading.listening.end() ? 0 : static_cast<size_t>(listening->second);
        size_t connected = 0;
        for (size_t i = 0; i < reading.recording.connections.size(); ++i)
            if (reading.recording.connections[i].from == run.name && is_ready(reading.recording, i))
                ++connected;
        if (run.binds + run.connects > 0) return bound >= run.binds && connected >= run.connects;
        return bound + connected > 0;
    }
    Reading read() const {
        std::vector<Traced> traced;
        for (const Run& run : runs_) {
            std::string command;
            for (const auto& word : run.words) command += (command.empty() ? "" : " ") + word;
            Traced one{{run.name, command}, {}};
            for (const auto& entry : std::filesystem::directory_iterator(folder_))
                if (entry.path().stem() == run.name && entry.path().has_extension())
                    one.logs.push_back(read_file(entry.path().string()));
            traced.push_back(one);
        }
        return read_traces(traced, stopped_, ports_.shown());
    }

    std::vector<Run> runs_;
    Ports ports_;
    std::string folder_;
    sigset_t signals_{}, before_{};
    bool stopping_ = false;
    std::vector<std::pair<double, std::string>> stopped_;
};

const char* usage =
    R"(Usage: trace [OPTION]... -- PROGRAM [ARGUMENT]... [-- PROGRAM [ARGUMENT]...]...
Run programs under strace, and show what they print and what goes over the wire between them.
When the last program has ended, the others are stopped by Ctrl-C.

  --handshake     show each step of the handshakes
  --json FILE     keep the recording
  --svg FILE      draw it
  --draw FILE     run nothing: draw a recording that was kept
  --name NAME     the name of the next program
  --stopped NAME  a program to stop when all others have ended (repeatable)
  --columns "NAME..."  the order of the columns
  --pattern NAME, --note TEXT  kept with the recording
  --help          show this help
)";

int run(int argc, char** argv) {
    bool handshake = false;
    std::string json, svg, drawn, pattern, note, columns;
    Strings names, stopped;
    const option options[] = {{"handshake", 0, nullptr, 'h'},
                              {"json", 1, nullptr, 'j'},
                              {"svg", 1, nullptr, 's'},
                              {"draw", 1, nullptr, 'd'},
                              {"name", 1, nullptr, 'n'},
                              {"stopped", 1, nullptr, 'o'},
                              {"columns", 1, nullptr, 'c'},
                              {"pattern", 1, nullptr, 'p'},
                              {"note", 1, nullptr, 't'},
                              {"help", 0, nullptr, '?' + 256},
                              {}};
    for (int letter; (letter = getopt_long(argc, argv, "+", options, nullptr)) != -1;) {
        const std::string value = optarg == nullptr ? "" : optarg;
        switch (letter) {
            case 'h':
                handshake = true;
                break;
            case 'j':
                json = value;
                break;
            case 's':
                svg = value;
                break;
            case 'd':
                drawn = value;
                break;
            case 'n':
                names.push_back(value);
                break;
            case 'o':
                stopped.push_back(value);
                break;
            case 'c':
                columns = value;
                break;
            case 'p':
                pattern = value;
                break;
            case 't':
                note = value;
                break;
            case '?' + 256:
                std::cout << usage;
                return 0;
            default:
                std::cerr << "Try 'trace --help' for more information.\n";
                return 2;
        }
    }
    std::vector<Run> runs;
    for (int i = optind; i < argc; ++i) {
        const std::string word = argv[i];
        if (i == optind || word == "--") {
            runs.emplace_back();
            if (word == "--") continue;
        }
        runs.back().words.push_back(word);
    }
    Recording recording;
    std::string failures;
    if (!drawn.empty()) {
        recording = from_json(read_file(drawn));
    } else {
        if (runs.empty() || std::any_of(runs.begin(), runs.end(),
                                        [](const Run& one) { return one.words.empty(); })) {
            std::cerr << usage;
            return 2;
        }
        for (size_t i = 0; i < runs.size(); ++i) {
            std::string& name = runs[i].name =
                i < names.size() ? names[i]
                                 : std::filesystem::path(runs[i].words[0]).filename().string();
            const auto count =
                std::count_if(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(i),
                              [&](const Run& one) { return one.name == name; });
            if (count > 0) name += std::to_string(i + 1);
            runs[i].stopped =
                stopped.empty() ? i + 1 < runs.size()
                                : std::find(stopped.begin(), stopped.end(), name) != stopped.end();
        }
        Tracer tracer(runs);
        recording = tracer.record();
        recording.pattern = pattern;
        recording.note = note;
        failures = tracer.failures();
        std::istringstream order(columns);
        size_t place = 0;
        for (std::string name; order >> name;)
            for (size_t i = place; i < recording.programs.size(); ++i)
                if (recording.programs[i].name == name)
                    std::swap(recording.programs[i], recording.programs[place++]);
    }
    if (!json.empty()) write_file(json, to_json(recording));
    if (!svg.empty()) write_file(svg, draw_svg(recording, handshake));
    std::cout << draw_text(recording, handshake, isatty(1) == 1) << std::flush;
    std::cerr << failures;
    return failures.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    return run(argc, argv);
} catch (const std::exception& error) {
    std::cerr << "trace: " << error.what() << "\n";
    return 1;
}
