#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

/// What a failed test shows of an output.
static std::string end_of(const std::string& text) {
    constexpr size_t most = 4000;
    return text.size() <= most ? text : "(cut) ..." + text.substr(text.size() - most);
}

Process::Process(const std::string& command, const Lines& arguments) : name_(command) {
    Lines words = command[0] == '/' ? Lines{command} : words_of(command);
    if (command[0] != '/') words[0].insert(0, BINARY_DIR "/");
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    for (const auto& word : arguments) name_ += " " + word;

    int ends[2][2];  // for standard output and standard error
    for (auto& pair : ends) {
        must(pipe(pair), "pipe");  // not pipe2, which macOS lacks: no other thread forks meanwhile
        for (const int end : pair) must(fcntl(end, F_SETFD, FD_CLOEXEC), "fcntl");
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);  // until the child no longer has Catch2's handlers
    id_ = fork();
    if (id_ == 0) {  // only calls that are safe after fork in a process that has threads
        setpgid(0, 0);
        for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGPIPE}) ::signal(number, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
        dup2(ends[0][1], 1);
        dup2(ends[1][1], 2);
        execv(argv[0], argv.data());
        _exit(127);
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    must(id_, "fork");
    setpgid(id_, id_);  // here, too, because the child may not have come so far yet
    for (const auto& pair : ends) close(pair[1]);
    out_.fd = ends[0][0];
    err_.fd = ends[1][0];
    reader_ = std::thread([this] { read_streams(); });
}

Shell::Shell(const std::string& command)
    : Process("/bin/sh", {"-c", "built='" BINARY_DIR "'; " + command}) {}

Process::~Process() {
    kill(-id_, SIGKILL);  // also what it has started itself, which would hold the pipes open
    if (!status_) waitpid(id_, nullptr, 0);
    reader_.join();
    if (std::uncaught_exceptions() > 0)
        std::fprintf(stderr, "--- %s\n--- standard output:\n%s--- standard error:\n%s---\n",
                     name_.c_str(), end_of(out_.text).c_str(), end_of(err_.text).c_str());
    close(out_.fd);
    close(err_.fd);
}

void Process::read_streams() {
    while (true) {
        pollfd items[] = {{out_.ended ? -1 : out_.fd, POLLIN, 0},
                          {err_.ended ? -1 : err_.fd, POLLIN, 0}};
        if (out_.ended && err_.ended) return;
        if (poll(items, 2, -1) == -1) continue;  // EINTR
        for (auto* stream : {&out_, &err_}) {
            if (items[stream == &err_].revents == 0) continue;
            char buffer[65536];
            const ssize_t size = read(stream->fd, buffer, sizeof buffer);
            const std::lock_guard lock(mutex_);
            if (size > 0)
                stream->text.append(buffer, static_cast<size_t>(size));
            else
                stream->ended = true;
            changed_.notify_all();
        }
    }
}

std::string Process::wait_for(Stream& stream, const std::string& part) {
    std::unique_lock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (true) {
        for (size_t newline;
             (newline = stream.text.find('\n', stream.seen)) != std::string::npos;) {
            const std::string line = stream.text.substr(stream.seen, newline - stream.seen);
            stream.seen = newline + 1;
            if (line.find(part) != std::string::npos) return line;
        }
        if (stream.ended) throw std::runtime_error("ended without the line \"" + part + "\"");
        if (changed_.wait_until(lock, end) == std::cv_status::timeout)
            throw std::runtime_error("no line \"" + part + "\" in time");
    }
}

std::string Process::wait_for(const std::string& part) { return wait_for(out_, part); }
std::string Process::wait_for_error(const std::string& part) { return wait_for(err_, part); }

std::string Process::endpoint() {
    const std::string words = "listening on ";
    const std::string line = wait_for(words);
    return line.substr(line.find(words) + words.size());
}

void Process::signal(int number) const {
    if (!status_) must(kill(id_, number), "kill");
}

int Process::wait(std::chrono::seconds longest) {
    if (status_) return *status_;
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, longest, [this] { return out_.ended && err_.ended; }))
        throw std::runtime_error(name_ + " did not end in time");
    lock.unlock();
    // Its output has ended, so it ends now. A hang from here on is for ctest to end.
    int status = 0;
    must(waitpid(id_, &status, 0), "waitpid");
    status_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    return *status_;
}

int Process::stop(int number, std::chrono::seconds longest) {
    signal(number);
    return wait(longest);
}

std::string Process::output() {
    const std::lock_guard lock(mutex_);
    return out_.text;
}

std::string Process::errors() {
    const std::lock_guard lock(mutex_);
    return err_.text;
}

Lines Process::lines() { return lines_of(output()); }

std::string Process::last_line() {
    const auto all = lines();
    return all.empty() ? "" : all.back();
}

Lines Process::lines_with(const std::string& word) {
    Lines all;
    for (const auto& line : lines())
        if (line.rfind(word + " ", 0) == 0) all.push_back(line.substr(word.size() + 1));
    return all;
}

Lines Process::ignored() {
    const std::string begin = name_.substr(0, name_.find(' ')) + ": ignored ";
    Lines all;
    for (const auto& line : lines_of(errors()))
        if (line.rfind(begin.substr(begin.find('/') + 1), 0) == 0)
            all.push_back(line.substr(line.rfind(": ") + 2));
        else if (line != "interrupted")
            all.push_back(line);
    return all;
}

Folder::Folder() {
    char name[] = "/tmp/zmq-examples-XXXXXX";
    if (mkdtemp(name) == nullptr) must(-1, "mkdtemp");
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Lines lines_of(const std::string& text) {
    Lines lines;
    for (size_t from = 0, to; (to = text.find('\n', from)) != std::string::npos; from = to + 1)
        lines.push_back(text.substr(from, to - from));
    return lines;
}

Lines words_of(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

Lines sorted(Lines lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}
