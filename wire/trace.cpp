// Runs programs under strace, and shows what they printed and what went over the wire between them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

#include "recording.hpp"

namespace {

int check(int result, const std::string& what) {
    if (result == -1) throw std::runtime_error(what + ": " + std::strerror(errno));
    return result;
}

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    std::ostringstream text;
    text << in.rdbuf();
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

/// A free port of an address of 127.0.0.0/8 that belongs to this process, so that no other program
/// takes it before it is bound.
std::string free_address() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr =
        htonl(0x7f400001U | (static_cast<unsigned>(getpid()) & 0x1fffffU) << 1);
    socklen_t size = sizeof address;
    const int fd = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    check(bind(fd, reinterpret_cast<sockaddr*>(&address), size), "bind");
    check(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    close(fd);
    return std::string(inet_ntoa(address.sin_addr)) + ":" + std::to_string(ntohs(address.sin_port));
}

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

struct Run {
    std::string name;
    bool is_stopped = false;  // by Ctrl-C, when all others have ended
    std::vector<std::string> words;
    size_t endpoints = 0;  // how many @/PORT it has
    pid_t id = -1;
    bool has_ended = false;
    int status = 0;
};

class Tracer {
 public:
    Tracer(std::vector<Run> runs, std::vector<std::string> cues)
        : runs_(std::move(runs)), cues_(std::move(cues)), folder_("/tmp/wire.XXXXXX") {
        if (mkdtemp(folder_.data()) == nullptr) check(-1, "mkdtemp");
        for (Run& run : runs_)
            for (std::string& word : run.words) fill_in(run, word);
        sigemptyset(&signals_);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals_, number);
        sigprocmask(SIG_BLOCK, &signals_, &before_);
    }
    ~Tracer() {
        for (const Run& run : runs_)
            if (run.id > 0 && !run.has_ended) kill(-run.id, SIGKILL);
        std::filesystem::remove_all(folder_);
    }
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;

    Recording record() {
        for (Run& run : runs_) {
            while (!is_stopping() && !has_cues(run)) wait();
            if (is_stopping()) break;
            start(run);
            for (const double deadline = now() + 5000; !is_up(run) && now() < deadline;) wait();
            if (run.has_ended && logs(run).empty())
                throw std::runtime_error("cannot trace: " + read_file(folder_ + "/output"));
        }
        const auto any = [&](auto is) { return std::any_of(runs_.begin(), runs_.end(), is); };
        while (!is_stopping() &&
               any([](const Run& run) { return !run.has_ended && !run.is_stopped; }))
            wait();
        if (!is_stopping()) stop(SIGINT);
        while (any([](const Run& run) { return run.id > 0 && !run.has_ended; })) wait();
        return read();
    }
    bool is_interrupted() const { return is_interrupted_; }
    /// A line for each program that failed.
    std::string failures() const {
        std::string text;
        for (const Run& run : runs_) {
            const int status =
                WIFEXITED(run.status) ? WEXITSTATUS(run.status) : 128 + WTERMSIG(run.status);
            if (status != 0 && !(status == 128 + SIGINT && is_stopping()))
                text += "trace: " + run.name + ": exit status " + std::to_string(status) + "\n";
        }
        return text;
    }

 private:
    /// @/5555 stands for tcp://127.0.0.1:5555, wherever that is in this run.
    void fill_in(Run& run, std::string& word) {
        if (word.rfind("@/", 0) != 0) return;
        const std::string shown = "127.0.0.1:" + word.substr(2);
        auto at = std::find_if(shown_.begin(), shown_.end(),
                               [&](const auto& one) { return one.second == shown; });
        ++run.endpoints;
        if (at == shown_.end()) at = shown_.insert(at, {free_address(), shown});
        word = "tcp://" + at->first;
    }
    void start(Run& run) {
        std::vector<std::string> words = words_of(strace_command);
        words.push_back(folder_ + "/" + run.name);
        words.insert(words.end(), run.words.begin(), run.words.end());
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        run.id = check(fork(), "fork");
        if (run.id > 0) return;
        setpgid(0, 0);  // a SIGINT for this group ends the program, but not strace
        sigprocmask(SIG_SETMASK, &before_, nullptr);
        const int output = open((folder_ + "/output").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(open("/dev/null", O_RDONLY), 0);
        dup2(output, 1);
        dup2(output, 2);
        execvp(arguments[0], arguments.data());
        std::perror(arguments[0]);
        _exit(127);
    }
    /// Waits for a signal, or for a moment: that a program is up shows only in its log.
    void wait() {
        const timespec moment{0, 20'000'000};
        const int number = sigtimedwait(&signals_, nullptr, &moment);
        for (Run& run : runs_)
            if (run.id > 0 && !run.has_ended)
                run.has_ended = waitpid(run.id, &run.status, WNOHANG) == run.id;
        const auto failed = [](const Run& run) { return run.has_ended && run.status != 0; };
        if (number > 0 && number != SIGCHLD) {
            stop(is_interrupted_ ? SIGKILL : SIGINT);
            is_interrupted_ = true;
        } else if (!is_stopping() && std::any_of(runs_.begin(), runs_.end(), failed)) {
            stop(SIGINT);
        }
    }
    bool is_stopping() const { return !stopped_.empty(); }
    void stop(int number) {
        for (const Run& run : runs_) {
            if (run.id < 0 || run.has_ended) continue;
            stopped_.push_back({{.kind = "signal", .text = "Ctrl-C"}, now(), run.name});
            kill(-run.id, number);
        }
    }
    /// Whether it has completed the handshake of a connection, or printed a line (listening on
    /// ...), for each of its @/PORT; once, if it has none. Lines about messages do not count.
    bool is_up(const Run& run) const {
        if (run.has_ended || is_stopping()) return true;
        const Recording recording = read();
        size_t points = 0;
        for (const Event& event : recording.events) {
            if (event.kind == "message" && event.receiver == run.name) break;
            if (event.kind == "line" && event.who == run.name) ++points;
        }
        for (size_t i = 0; i < recording.connections.size(); ++i)
            if (recording.connections[i].from == run.name && is_ready(recording, i)) ++points;
        return points >= std::max<size_t>(1, run.endpoints);
    }
    bool has_cues(const Run& run) const {
        const std::string before = run.name + " ";
        std::set<std::string> seen;
        for (const Event& event : read().events) seen.insert(before + event.text);
        for (const Run& other : runs_)
            if (other.has_ended) seen.insert(before + other.name);
        return std::all_of(cues_.begin(), cues_.end(), [&](const std::string& cue) {
            return cue.rfind(before, 0) != 0 || seen.contains(cue);
        });
    }
    std::vector<std::string> logs(const Run& run) const {
        std::vector<std::string> texts;
        for (const auto& entry : std::filesystem::directory_iterator(folder_))
            if (entry.path().stem() == run.name && entry.path().has_extension())
                texts.push_back(read_file(entry.path().string()));
        return texts;
    }
    Recording read() const {
        std::vector<Traced> traced;
        for (const Run& run : runs_) {
            std::string command;
            for (const auto& word : run.words) command += (command.empty() ? "" : " ") + word;
            traced.push_back({{run.name, command}, logs(run)});
        }
        return read_traces(traced, stopped_, shown_);
    }

    std::vector<Run> runs_;
    std::vector<std::string> cues_;  // of --after
    std::string folder_;
    Replacements shown_;
    sigset_t signals_{}, before_{};
    std::vector<Event> stopped_;  // the signals sent
    bool is_interrupted_ = false;
};

const char* const usage =
    R"(Usage: trace [OPTION]... -- PROGRAM [ARGUMENT]... [-- PROGRAM [ARGUMENT]...]...
Run programs under strace, and show what they print and what goes over the wire between them.

  --handshake         show each step of the handshakes
  --json FILE         keep the recording
  --svg FILE          draw it as a picture
  --draw FILE         run nothing: draw a recording that was kept
  --names "A B"       the names of the programs, in their order
  --stopped "A"       those to stop when the others have ended; without --names all but the last
  --columns "B A"     the order of the columns
  --after "B CUE"     start B after CUE: a line that was printed, or a program that has ended;
                      may be repeated
  --pattern, --note   texts to keep with the recording
  --help              show this help
)";

/// The programs on the command line, each behind a --.
std::vector<Run> runs_of(int argc, char** argv, const std::vector<std::string>& names,
                         const std::vector<std::string>& stopped) {
    std::vector<Run> runs(1);
    for (int i = 0; i < argc; ++i)
        if (std::strcmp(argv[i], "--") != 0)
            runs.back().words.emplace_back(argv[i]);
        else if (!runs.back().words.empty())
            runs.emplace_back();
    if (runs.back().words.empty()) runs.pop_back();
    for (size_t i = 0; i < runs.size(); ++i) {
        std::string name = std::filesystem::path(runs[i].words[0]).filename().string();
        for (size_t j = 0; j < i; ++j)
            if (runs[j].name == name) name += std::to_string(i + 1);
        runs[i].name = i < names.size() ? names[i] : name;
        runs[i].is_stopped = names.empty()
                                 ? i + 1 < runs.size()
                                 : std::count(stopped.begin(), stopped.end(), runs[i].name) > 0;
    }
    return runs;
}

}  // namespace

int main(int argc, char** argv) try {
    std::map<std::string, std::string> values;
    std::vector<option> options = {{"handshake", 0, nullptr, 0}, {"help", 0, nullptr, 0}};
    for (const char* name :
         {"json", "svg", "draw", "names", "stopped", "columns", "after", "pattern", "note"})
        options.push_back({name, 1, nullptr, 0});
    options.push_back({});
    std::vector<std::string> cues;
    int index = 0, letter = 0;
    while ((letter = getopt_long(argc, argv, "+", options.data(), &index)) == 0) {
        const std::string name = options[static_cast<size_t>(index)].name;
        values[name] = optarg == nullptr ? "yes" : optarg;
        if (name == "after") cues.push_back(values[name]);
    }
    if (letter != -1 || (optind == argc && values["draw"].empty() && values["help"].empty())) {
        if (letter == -1) std::cerr << "trace: which programs?\n";
        std::cerr << "Try 'trace --help' for more information.\n";
        return 2;
    }
    if (!values["help"].empty()) return std::cout << usage, 0;
    Recording recording;
    std::string failures;
    bool is_interrupted = false;
    if (!values["draw"].empty()) {
        recording = from_json(read_file(values["draw"]));
    } else {
        Tracer tracer(runs_of(argc - optind, argv + optind, words_of(values["names"]),
                              words_of(values["stopped"])),
                      cues);
        recording = tracer.record();
        failures = tracer.failures();
        is_interrupted = tracer.is_interrupted();
        recording.pattern = values["pattern"];
        recording.note = values["note"];
        const auto columns = words_of(values["columns"]);
        const auto place = [&](const Program& program) {
            return std::find(columns.begin(), columns.end(), program.name);
        };
        std::stable_sort(recording.programs.begin(), recording.programs.end(),
                         [&](const auto& a, const auto& b) { return place(a) < place(b); });
    }
    recording = from_json(to_json(recording));  // rounds the times: the drawing is of what is kept
    const bool handshake = !values["handshake"].empty();
    if (!values["json"].empty()) write_file(values["json"], to_json(recording));
    if (!values["svg"].empty()) write_file(values["svg"], draw_svg(recording, handshake));
    std::cout << draw_text(recording, handshake, isatty(1) == 1) << std::flush;
    std::cerr << failures;
    return is_interrupted ? 128 + SIGINT : failures.empty() ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << "trace: " << error.what() << "\n";
    return 1;
}
