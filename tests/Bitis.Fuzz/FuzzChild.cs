using System.Buffers.Binary;
using System.Globalization;
using Bitis.Tensors;

namespace Bitis.Fuzz;

/// <summary>
/// The process that runs cases: it notes each before it begins, so that a crash can be told from its note.
/// </summary>
internal static class FuzzChild
{
    /// <summary>Runs cases and reports faults on standard output.</summary>
    /// <param name="first">The first case.</param>
    /// <param name="end">The case after the last.</param>
    /// <param name="notePath">The file that holds the case under way.</param>
    /// <returns>The exit code: 0, whatever was found.</returns>
    public static int Run(long first, long end, string notePath)
    {
        using FileStream note = new(notePath, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        using var fuzzer = new Fuzzer();
        var counts = new SortedDictionary<(string Target, FuzzOutcomeKind Kind), int>();
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        for (long seed = first; seed < end; seed++)
        {
            note.Position = 0;
            BinaryPrimitives.WriteInt64LittleEndian(bytes, seed);
            note.Write(bytes);
            FuzzOutcome outcome = fuzzer.Run(seed);
            counts[(outcome.Target, outcome.Kind)] = counts.GetValueOrDefault((outcome.Target, outcome.Kind)) + 1;
            if (outcome.Kind == FuzzOutcomeKind.Fault)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FAULT {seed} {outcome.Target} "
                    + $"{OneLine(outcome.Text)}"));
            }
        }
        foreach (((string target, FuzzOutcomeKind kind), int count) in counts)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"COUNT {target} {kind} {count}"));
        if (GuardedMemory.Mode != GuardMode.Off)
        {
            long unguarded = GuardedMemory.UnguardedBlocks;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"COUNT blocks without-guard {unguarded}"));
        }
        return 0;
    }

    private static string OneLine(string text) =>
        string.Join(" | ", text.Split('\n', StringSplitOptions.TrimEntries).Take(6));
}
