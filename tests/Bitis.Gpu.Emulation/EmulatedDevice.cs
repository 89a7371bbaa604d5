using System.Diagnostics;
using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation.Memory;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Emulation;

/// <summary>A GPU in C#: it runs the text that ships, and finds what a GPU would not tell.</summary>
/// <remarks>
/// Warps run whole instructions, one block after the other. Branches must be the same for all threads of a warp.
/// </remarks>
/// <param name="target">The processor that it stands for.</param>
/// <param name="seed">
/// What decides the errors of approximate instructions, within those that the language permits; null for none.
/// </param>
/// <param name="cacheBytes">The cache that it pretends to have.</param>
internal sealed class EmulatedDevice(PtxTarget target, int? seed = null, long cacheBytes = 1 << 20) : GpuDevice
{
    /// <summary>The most memory that buffers may take; the tests' models are small.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>The most instructions of a warp in a launch: many times those of the longest kernel.</summary>
    public long MaxInstructionsOfWarp { get; init; } = 1 << 25;

    /// <inheritdoc />
    public override string Name => $"emulated {target.Name}";

    /// <inheritdoc />
    public override ComputeCapability Capability => target.Capability;

    /// <inheritdoc />
    public override int Multiprocessors => 108;

    /// <inheritdoc />
    public override long CacheBytes => cacheBytes;

    /// <inheritdoc />
    public override int MaxSharedBytes => target == PtxTarget.Sm90a ? 227 << 10 : 163 << 10;

    /// <summary>The buffers.</summary>
    public GlobalMemory Memory { get; } = new();

    /// <summary>The errors of approximate instructions.</summary>
    public ApproximationErrors Errors { get; } = new(seed);

    /// <summary>What all launches did.</summary>
    public Measurements Measurements { get; } = new();

    /// <inheritdoc />
    public override GpuBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        return Memory.Reserved + bytes <= MemoryBytes
            ? Memory.Allocate((int)bytes)
            : throw new BitisException($"The emulated GPU has too little free memory to hold {bytes:N0} more bytes.");
    }

    /// <inheritdoc />
    public override GpuFunction Load(PtxKernel kernel) => new EmulatedFunction(kernel, target);

    /// <inheritdoc />
    public override GpuGraph Record(IReadOnlyList<GpuLaunch> launches) => new EmulatedGraph(this, [.. launches]);

    /// <inheritdoc />
    public override void Run(IReadOnlyList<GpuLaunch> launches)
    {
        foreach (GpuLaunch launch in launches)
            Launch(launch);
    }

    /// <inheritdoc />
    public override IReadOnlyList<TimeSpan> Time(IReadOnlyList<GpuLaunch> launches)
    {
        var times = new List<TimeSpan>(launches.Count);
        foreach (GpuLaunch launch in launches)
        {
            long start = Stopwatch.GetTimestamp();
            Launch(launch);
            times.Add(Stopwatch.GetElapsedTime(start));
        }
        return times;
    }

    /// <summary>Runs one launch.</summary>
    public void Launch(GpuLaunch launch)
    {
        PtxProgram program = ((EmulatedFunction)launch.Function).Program;
        if (program.SharedBytes > MaxSharedBytes)
        {
            throw new EmulationException(
                FindingKind.Launch, $"{program.Name} takes {program.SharedBytes} bytes of shared memory");
        }

        Measurements.Launches++;
        Memory.FirstWriterOfLaunch = Memory.NextWriter;
        for (int y = 0; y < launch.Grid.Y; y++)
        {
            for (int x = 0; x < launch.Grid.X; x++)
                new Block(this, program, launch.Arguments, launch.Grid, x, y).Run();
        }
        program.AddExecutions(Measurements.Instructions);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
    }
}
