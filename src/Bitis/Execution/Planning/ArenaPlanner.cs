
namespace Bitis.Execution.Planning;

/// <summary>Places blocks in one arena: largest first, each at the lowest offset that is free during its use.</summary>
internal static class ArenaPlanner
{
    private static readonly Comparer<ArenaBlock> ByOffset =
        Comparer<ArenaBlock>.Create((x, y) => x.Offset.CompareTo(y.Offset));

    /// <summary>Sets the offset and the index of every block.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="bound">Blocks in other memory, which take no bytes of the arena.</param>
    public static ArenaLayout Place(IReadOnlyList<ArenaBlock> blocks, IReadOnlySet<ArenaBlock>? bound = null)
    {
        for (int i = 0; i < blocks.Count; i++)
            blocks[i].Index = i;
        var placed = new List<ArenaBlock>(); // by their offsets
        long size = 0;
        foreach (
            ArenaBlock block in blocks.Where(
                block =>
                    bound?.Contains(block) != true).OrderByDescending(block =>
                        block.Bytes).ThenBy(block => block.FirstOperation))
        {
            block.Offset = LowestFreeOffset(block, placed);
            int place = placed.BinarySearch(block, ByOffset);
            placed.Insert(place < 0 ? ~place : place, block);
            size = Math.Max(size, block.Offset + Aligned(block.Bytes));
        }
        return new ArenaLayout(blocks, size);
    }

    private static long LowestFreeOffset(ArenaBlock block, List<ArenaBlock> placed)
    {
        long offset = 0;
        foreach (ArenaBlock other in placed)
        {
            if (!block.OverlapsInTime(other))
                continue;
            if (other.Offset >= offset + Aligned(block.Bytes))
                break;
            offset = Math.Max(offset, other.Offset + Aligned(other.Bytes));
        }
        return offset;
    }

    private static long Aligned(long bytes) =>
        (bytes + FloatTensor.Alignment - 1) / FloatTensor.Alignment * FloatTensor.Alignment;
}
