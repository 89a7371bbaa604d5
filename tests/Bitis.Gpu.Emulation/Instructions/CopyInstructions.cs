using Bitis.Gpu.Emulation.Memory;

namespace Bitis.Gpu.Emulation.Instructions;

/// <summary>Begins an asynchronous copy from global to shared memory, with zeros behind the source's bytes.</summary>
/// <param name="target">The row of the address in shared memory.</param>
/// <param name="targetOffset">What is added to it.</param>
/// <param name="source">The register of the address in global memory.</param>
/// <param name="sourceOffset">What is added to it.</param>
/// <param name="bytes">The bytes of a lane.</param>
/// <param name="size">The row of the bytes that are read; -1 for all.</param>
internal sealed class CopyInstruction(
    int target, int targetOffset, int source, int sourceOffset, int bytes, int size) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireRow(target, mask);
        warp.RequireLong(source, mask);
        if (size >= 0)
            warp.RequireRow(size, mask);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if ((mask >> lane & 1) == 0)
                continue;
            int count = size < 0 ? bytes : (int)warp.Row(size)[lane];
            if (count < 0 || count > bytes)
                throw warp.Finding(FindingKind.OutOfBounds, $"lane {lane} copies {count} of {bytes} bytes");
            var data = new byte[bytes];
            if (count > 0)
            {
                // The whole copy must be aligned, even if a part of it is read.
                (EmulatedBuffer buffer, int at) = warp.Block.Device.Memory.Find(
                    warp, warp.Long(source)[lane] + (ulong)sourceOffset, bytes);
                buffer.Read(warp, at, count, isConstant: false).CopyTo(data);
            }
            warp.BeginCopy(lane, warp.Row(target)[lane] + (uint)targetOffset, data);
        }
    }
}

/// <summary>Makes a group of the copies since the last one.</summary>
internal sealed class CommitInstruction : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireAllLanes(mask);
        warp.CommitCopies();
    }
}

/// <summary>Waits for all groups of copies but the last ones.</summary>
internal sealed class WaitInstruction(int groupsLeft) : Instruction
{
    /// <inheritdoc />
    public override void Run(Warp warp, uint mask)
    {
        warp.RequireAllLanes(mask);
        warp.WaitForCopies(groupsLeft);
    }
}
