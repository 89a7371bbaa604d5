using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;

namespace Bitis.Fuzz;

/// <summary>
/// Runs cases in processes of their own, so that one that crashes or hangs is a finding and not the end.
/// </summary>
/// <param name="cases">How many cases.</param>
/// <param name="first">The first one.</param>
/// <param name="jobs">How many processes at once.</param>
internal sealed class FuzzParent(long cases, long first, int jobs)
{
    private const long CasesPerProcess = 2_000;

    /// <summary>How long one case may stand still before its process is ended.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, string> _findings = [];
    private readonly long _first = first, _end = first + cases;
    private long _next = first;
    private long _done;

    /// <summary>Runs all cases and prints what was found.</summary>
    /// <returns>The exit code: 1 if there were faults, crashes or hangs.</returns>
    public int Run()
    {
        long began = Stopwatch.GetTimestamp();
        Thread[] threads = [.. Enumerable.Range(0, jobs).Select(_ => new Thread(Work))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        double minutes = Stopwatch.GetElapsedTime(began).TotalMinutes;
        foreach ((string name, long count) in _counts)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-40} {count,9}"));
        foreach ((long seed, string text) in _findings)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text}\n  again: dotnet run -c Release "
                + $"--project tests/Bitis.Fuzz -- one {seed}"));
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{_done} cases from {_first} on, {_findings.Count} findings, "
                + $"{_done / minutes:F0} cases a minute"));
        return _findings.Count == 0 ? 0 : 1;
    }

    private void Work()
    {
        while (true)
        {
            long begin, end;
            lock (_gate)
            {
                begin = _next;
                end = _next = Math.Min(begin + CasesPerProcess, _end);
            }
            if (begin >= end)
                return;
            while (begin < end)
                begin = RunProcess(begin, end);
        }
    }

    /// <summary>Runs cases in a process; returns where to go on.</summary>
    private long RunProcess(long begin, long end)
    {
        string note = Path.GetTempFileName();
        try
        {
            using Process child = Start(begin, end, note);
            child.OutputDataReceived += (_, line) => Read(line.Data);
            child.ErrorDataReceived += (_, _) => { };
            child.BeginOutputReadLine();
            child.BeginErrorReadLine();
            bool hung = !WaitWhileMoving(child, note);
            if (hung)
                child.Kill(entireProcessTree: true);
            child.WaitForExit();
            if (!hung && child.ExitCode == 0)
            {
                lock (_gate)
                    _done += end - begin;
                return end;
            }
            long seed = SeedIn(note) ?? begin;
            lock (_gate)
            {
                _done += seed + 1 - begin;
                _findings.Add(seed, hung ? $"HANG {seed}" : $"CRASH {seed} with exit code {child.ExitCode}");
            }
            return seed + 1;
        }
        finally
        {
            File.Delete(note);
        }
    }

    private static Process Start(long begin, long end, string note)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(FuzzParent).Assembly.Location);
        foreach (string argument in
            (string[])[
                "child",
                begin.ToString(CultureInfo.InvariantCulture),
                end.ToString(CultureInfo.InvariantCulture),
                note])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private static bool WaitWhileMoving(Process child, string note)
    {
        long? before = null;
        while (!child.WaitForExit(Patience))
        {
            long? now = SeedIn(note);
            if (now == before)
                return false;
            before = now;
        }
        return true;
    }

    private static long? SeedIn(string note)
    {
        using FileStream file = new(note, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[sizeof(long)];
        return file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length
            ? BinaryPrimitives.ReadInt64LittleEndian(bytes)
            : null;
    }

    private void Read(string? line)
    {
        if (line?.Split(' ', 4) is not [var kind, var second, var third, var rest])
            return;
        lock (_gate)
        {
            if (kind == "COUNT")
            {
                _counts[$"{second} {third}"] = _counts.GetValueOrDefault($"{second} {third}")
                    + long.Parse(rest, CultureInfo.InvariantCulture);
            }
            else if (kind == "FAULT")
            {
                _findings[long.Parse(second, CultureInfo.InvariantCulture)] = line;
            }
        }
    }
}
