using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Hadamard;
using Bitis.Kernels.Memory;

namespace Bitis.Execution.LowBit;

/// <summary>Divides the tokens of a micro-batch's images into blocks of 16 and single tokens.</summary>
/// <remarks>
/// Some coefficients of each block are kept. Single tokens are kept as they are: class tokens, and tails that do not
/// fill a block. In memory, all blocks come first, image by image. The single tokens follow in the same way.
/// </remarks>
internal sealed unsafe class TokenBlocks : IDisposable
{
    private const int PatchSide = 4;

    // The number, in natural order, of the Walsh function of 16 values with 0, 1, 2, ... changes of sign.
    private static readonly byte[] BySequency = [0, 8, 12, 4, 6, 14, 10, 2, 3, 11, 15, 7, 5, 13, 9, 1];

    // Each basis function is a product of two functions of 4 values. Its index is 4·(that along y) + (that along x),
    // where functions 0, 2, 3, 1 have 0, 1, 2, 3 changes of sign. The first ten are LBP-WHT's triangle; with the first
    // eight the pure frequencies go before the mixed ones, which have less energy.
    private static readonly byte[] ByPatchFrequency = [0, 2, 8, 10, 3, 12, 1, 4, 11, 14, 15, 9, 6, 13, 7, 5];

    private readonly NativeBuffer<int> _blockRows;
    private readonly NativeBuffer<int> _singleRows;
    private readonly NativeBuffer<byte> _kept;
    private readonly bool _ownsKept = true;
    private readonly int _blocksPerImage;
    private readonly int _singlesPerImage;

    private TokenBlocks(GridLayout layout, List<int[]> blocks, byte[] kept, int images)
    {
        int[] inBlocks = [.. blocks.SelectMany(block => block)];
        bool[] isInBlock = new bool[layout.Rows];
        foreach (int row in inBlocks)
            isInBlock[row] = true;
        int[] singles = [.. Enumerable.Range(0, layout.Rows).Where(row => !isInBlock[row])];
        _blocksPerImage = blocks.Count;
        _singlesPerImage = singles.Length;
        Rank = kept.Length;
        _kept = NativeBuffer<byte>.Of(kept);
        _blockRows = OfImages(inBlocks, layout.Rows, images);
        _singleRows = OfImages(singles, layout.Rows, images);
    }

    /// <summary>The same blocks with other rows.</summary>
    private TokenBlocks(TokenBlocks blocks, Func<int, int> row)
    {
        (_blocksPerImage, _singlesPerImage, Rank, _kept, _ownsKept) = (
            blocks._blocksPerImage, blocks._singlesPerImage, blocks.Rank, blocks._kept, false);
        _blockRows = Select(blocks._blockRows, row);
        _singleRows = Select(blocks._singleRows, row);
    }

    /// <summary>The coefficients that are kept of a block.</summary>
    public int Rank { get; }

    /// <summary>The indices of the kept coefficients, in natural order.</summary>
    public byte* Kept => _kept.Pointer;

    /// <summary>The blocks of a layer's tokens.</summary>
    /// <param name="layout">How they lie.</param>
    /// <param name="basis">How they are cut into blocks, and which coefficients are kept.</param>
    /// <param name="rank">How many of 16.</param>
    /// <param name="images">The most images that a micro-batch holds.</param>
    public static TokenBlocks For(GridLayout layout, TokenBasis basis, int rank, int images)
    {
        bool isPatch = basis != TokenBasis.Sequency && layout.Height > 0;
        byte[] order = isPatch ? ByPatchFrequency : BySequency;
        return new TokenBlocks(layout, isPatch ? Patches(layout) : Runs(layout), order[..rank], images);
    }

    /// <summary>All tokens as they are.</summary>
    public static TokenBlocks None(GridLayout layout, int images) => new(layout, [], [], images);

    /// <summary>The tokens that a tap of a convolution sees from the places of these blocks, for one image.</summary>
    /// <remarks>−1 stands for what lies outside of the grid.</remarks>
    public TokenBlocks Seen(GridConv2d convolution, int tap) =>
        new(this, place => convolution.Source(place, tap) ?? -1);

    /// <summary>The kept rows of some images.</summary>
    public int Rows(int images) => images * ((_blocksPerImage * Rank) + _singlesPerImage);

    /// <summary>The rows of some images that are in blocks.</summary>
    public int TokensInBlocks(int images) => images * _blocksPerImage * TokenHadamard.BlockRows;

    /// <summary>The rows of some images that are in no block.</summary>
    public int Singles(int images) => images * _singlesPerImage;

    /// <summary>All rows of some images, in blocks and single.</summary>
    public int Tokens(int images) => TokensInBlocks(images) + Singles(images);

    /// <summary>Whether there are any blocks.</summary>
    public bool HasBlocks => _blocksPerImage > 0;

    /// <summary>Fills in the blocks of some images and the coefficients that are kept.</summary>
    public void Describe(ref TokenHadamardCall call, int images)
    {
        call.BlockRows = _blockRows.Pointer;
        call.Blocks = images * _blocksPerImage;
        call.Transforms = true;
        call.Kept = Kept;
        call.Rank = Rank;
        call.Factor = 0.25f; // 1/√16: orthonormal, so that single tokens are of the same scale
        call.SingleRows = _singleRows.Pointer;
        call.Singles = images * _singlesPerImage;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _blockRows.Dispose();
        _singleRows.Dispose();
        if (_ownsKept)
            _kept.Dispose();
    }

    private static List<int[]> Patches(GridLayout layout)
    {
        var blocks = new List<int[]>();
        for (int y = 0; y + PatchSide <= layout.Height; y += PatchSide)
        {
            for (int x = 0; x + PatchSide <= layout.Width; x += PatchSide)
            {
                int first = (y * layout.Width) + x;
                blocks.Add(
                    [.. Enumerable.Range(0, PatchSide * PatchSide).Select(
                        i => layout.RowOf(first + (i / PatchSide * layout.Width) + (i % PatchSide)))]);
            }
        }
        return blocks;
    }

    private static List<int[]> Runs(GridLayout layout)
    {
        int tokens = layout.Rows - (layout.ExtraRow < 0 ? 0 : 1);
        return [.. Enumerable.Range(0, tokens / TokenHadamard.BlockRows).Select(block =>
            Enumerable.Range(
                block * TokenHadamard.BlockRows,
                TokenHadamard.BlockRows).Select(position => layout.RowOf(position)).ToArray())];
    }

    /// <summary>The rows of one image, then those of the next one.</summary>
    private static NativeBuffer<int> OfImages(int[] rows, int rowsOfImage, int images)
    {
        var all = new NativeBuffer<int>((long)rows.Length * images);
        for (int i = 0; i < all.Length; i++)
            all.Pointer[i] = (i / rows.Length * rowsOfImage) + rows[i % rows.Length];
        return all;
    }

    // Models have many of them, and they are long: so no list of the managed heap.
    private static NativeBuffer<int> Select(NativeBuffer<int> rows, Func<int, int> row)
    {
        var selected = new NativeBuffer<int>(rows.Length);
        for (int i = 0; i < rows.Length; i++)
            selected.Pointer[i] = row(rows.Pointer[i]);
        return selected;
    }
}
