using System.Globalization;

namespace Bitis.Fuzz;

/// <summary>
/// Makes and runs cases. A case is a number: it decides which file is changed, how, and what is done with it.
/// </summary>
internal sealed class Fuzzer : IDisposable
{
    /// <summary>What a case may take of processor time: many times what the slowest honest one does.</summary>
    private static readonly TimeSpan LongestCase = TimeSpan.FromSeconds(20);

    /// <summary>
    /// What a case may allocate: a graph of the greatest depth and sequences of a million tokens take some hundred MB.
    /// </summary>
    private const long MostBytes = 1L << 30;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("bitis-fuzz-");
    private readonly IReadOnlyList<FuzzTarget> _targets;

    /// <summary>Makes the originals, which takes a second.</summary>
    public Fuzzer() => _targets = FuzzTargets.Create(_folder.FullName);

    /// <summary>Removes all files.</summary>
    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Runs a case.</summary>
    /// <param name="seed">Its number.</param>
    public FuzzOutcome Run(long seed)
    {
        FuzzTarget target = _targets[(int)(seed % _targets.Count)];
        string path = PathOf(seed, target);
        var random = new Random(unchecked((int)(seed * 2654435761)));
        target.Write(path, random);
        FuzzOutcome outcome = Use(target, path, random);
        File.Delete(path);
        return outcome;
    }

    /// <summary>Writes the file of a case and keeps it.</summary>
    /// <param name="seed">The case.</param>
    /// <param name="folder">Where to.</param>
    /// <returns>The file.</returns>
    public string Keep(long seed, string folder)
    {
        FuzzTarget target = _targets[(int)(seed % _targets.Count)];
        string path = Path.Combine(folder, Path.GetFileName(PathOf(seed, target)));
        target.Write(path, new Random(unchecked((int)(seed * 2654435761))));
        return path;
    }

    private static FuzzOutcome Use(FuzzTarget target, string path, Random random)
    {
        TimeSpan began = Environment.CpuUsage.TotalTime; // of the process: on a busy machine a case may wait for long
        long before = GC.GetTotalAllocatedBytes();
        FuzzOutcome outcome;
        try
        {
            outcome = new(target.Name, target.Use(path, random) ? FuzzOutcomeKind.Result : FuzzOutcomeKind.Opened, "");
        }
        catch (BitisException e)
        {
            outcome = new(target.Name, FuzzOutcomeKind.Refused, e.Message);
        }
        catch (Exception e)
        {
            outcome = new(target.Name, FuzzOutcomeKind.Fault, e.ToString());
        }
        TimeSpan time = Environment.CpuUsage.TotalTime - began;
        if (time > LongestCase)
        {
            return new(
                target.Name,
                FuzzOutcomeKind.Fault,
                $"It took {time.TotalSeconds:F1} s of processor time. {outcome.Text}");
        }

        long bytes = GC.GetTotalAllocatedBytes() - before;
        return bytes > MostBytes
            ? new(target.Name, FuzzOutcomeKind.Fault, $"It allocated {bytes >> 20} MB. {outcome.Text}")
            : outcome;
    }

    private string PathOf(long seed, FuzzTarget target) =>
        Path.Combine(_folder.FullName, $"{seed.ToString(CultureInfo.InvariantCulture)}-{target.Name}");
}
