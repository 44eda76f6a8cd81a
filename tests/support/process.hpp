// The processes that a test starts. Nothing here waits for time: each wait ends when what it waits
// for is there, or fails the test after a deadline that only catches a hang.
#pragma once

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

/// Of a text, or the words of a command line.
using Lines = std::vector<std::string>;

/// Returns the result of a call of the system; throws if it failed.
template <class Number>
Number must(Number result, const char* call) {
    if (result == -1) throw std::runtime_error(std::string(call) + ": " + std::strerror(errno));
    return result;
}

/// How long any wait may take before the test fails.
inline constexpr std::chrono::seconds deadline{20};

/// A program of this project, running in a process group of its own, with standard input closed.
/// Its destructor kills the group and reaps the process, and if an exception ends the test, it
/// shows the end of the output.
class Process {
 public:
    /// `command` is "FOLDER/PROGRAM ARGUMENT ...", in the build folder, or the absolute path of any
    /// executable, without arguments. `arguments` follow; they may have spaces.
    explicit Process(const std::string& command, const Lines& arguments = {});
    ~Process();

    /// Waits for the next line of standard output that contains `part`, after the one that the last
    /// call returned, and returns it. Throws when the output ends without it.
    std::string wait_for(const std::string& part);
    /// Waits for the next `listening on E` and returns E.
    std::string endpoint();
    /// The same for standard error, which has a place of its own to go on from.
    std::string wait_for_error(const std::string& part);

    /// Sends a signal to the process (not to its group).
    void signal(int number) const;
    /// Waits for the end of the process and of its output. Returns its exit status, or -N where
    /// signal N killed it. Throws after the deadline.
    int wait(std::chrono::seconds longest = deadline);
    /// signal(number), then wait().
    int stop(int number, std::chrono::seconds longest = deadline);

    /// All it has printed so far; after wait(), all it will ever print.
    std::string output();
    std::string errors();
    Lines lines();
    std::string last_line();
    /// What follows `word` and a space in the lines that begin with it, in their order.
    Lines lines_with(const std::string& word);
    /// The messages that it has named as ignored, in their order; and any other line of standard
    /// error, as it is, but "interrupted".
    Lines ignored();
    int id() const { return id_; }

 private:
    struct Stream {
        int fd = -1;
        std::string text;
        size_t seen = 0;  // up to where wait_for() has looked
        bool ended = false;
    };
    std::string wait_for(Stream& stream, const std::string& part);
    void read_streams();

    std::string name_;
    int id_ = -1;
    std::optional<int> status_;  // after wait()
    Stream out_, err_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::thread reader_;
};

/// A command of the shell, to which $built is the build folder.
struct Shell : Process {
    explicit Shell(const std::string& command);
};

/// A folder of its own under /tmp, gone afterwards. `endpoint("a")` is an ipc endpoint in it, for
/// where a program connects before another binds.
class Folder {
 public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::string path(const std::string& name) const { return path_ + "/" + name; }
    std::string endpoint(const std::string& name) const { return "ipc://" + path(name); }

 private:
    std::string path_;
};

/// Any free port, to be read back with Process::endpoint().
inline const std::string any_port = "tcp://127.0.0.1:*";

/// The lines of a text, without their ends and without an unfinished one; the words of a line.
Lines lines_of(const std::string& text);
Lines words_of(const std::string& text);
Lines sorted(Lines lines);

/// The whole of a file.
std::string read_file(const std::string& path);
