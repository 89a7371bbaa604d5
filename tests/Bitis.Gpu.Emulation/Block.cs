using Bitis.Gpu.Devices;
using Bitis.Gpu.Emulation.Memory;

namespace Bitis.Gpu.Emulation;

/// <summary>The threads that share memory.</summary>
internal sealed class Block
{
    private readonly GpuGrid _grid;
    private readonly Warp[] _warps;

    /// <summary>Creates a block that has not begun.</summary>
    public Block(
        EmulatedDevice device, PtxProgram program, IReadOnlyList<GpuArgument> arguments, GpuGrid grid, int x, int y)
    {
        (Device, Program, Arguments, _grid, X, Y) = (device, program, arguments, grid, x, y);
        Shared = new SharedMemory(program.SharedBytes);
        _warps = [.. Enumerable.Range(0, program.Threads / Warp.Lanes).Select(i => new Warp(this, i))];
        MeetAll();
    }

    /// <summary>The device.</summary>
    public EmulatedDevice Device { get; }

    /// <summary>What runs.</summary>
    public PtxProgram Program { get; }

    /// <summary>The values of the parameters.</summary>
    public IReadOnlyList<GpuArgument> Arguments { get; }

    /// <summary>Its place in the grid.</summary>
    public int X { get; }

    /// <summary>Its place in the grid.</summary>
    public int Y { get; }

    /// <summary>Its memory.</summary>
    public SharedMemory Shared { get; }

    /// <summary>The value of a special register.</summary>
    public uint Special(string name, int warp, int lane) => name switch
    {
        "tid.x" => (uint)((warp * Warp.Lanes) + lane),
        "laneid" => (uint)lane,
        "ntid.x" => (uint)Program.Threads,
        "ctaid.x" => (uint)X,
        "ctaid.y" => (uint)Y,
        "nctaid.x" => (uint)_grid.X,
        "nctaid.y" => (uint)_grid.Y,
        _ => throw new EmulationException(FindingKind.Text, $"there is no register %{name}"),
    };

    /// <summary>Runs all warps to their ends.</summary>
    public void Run()
    {
        while (true)
        {
            foreach (Warp warp in _warps)
                warp.RunToBarrier();
            int done = _warps.Count(warp => warp.IsDone);
            if (done == _warps.Length)
                return;
            if (done > 0)
                throw _warps.First(warp => !warp.IsDone).Finding(FindingKind.Barrier, $"{done} warps have ended");
            MeetAll();
        }
    }

    private void MeetAll()
    {
        uint since = Shared.PassBarrier();
        foreach (Warp warp in _warps)
            warp.SinceBarrier = since;
    }
}
