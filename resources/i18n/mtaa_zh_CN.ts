<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>Actions</name>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Image</source>
        <translation>图像(&amp;I)</translation>
    </message>
    <message>
        <source>&amp;Case</source>
        <translation>案卷(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Tools</source>
        <translation>工具(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>Open images…</source>
        <translation>打开图像…</translation>
    </message>
    <message>
        <source>Open folder…</source>
        <translation>打开文件夹…</translation>
    </message>
    <message>
        <source>Open sample images</source>
        <translation>打开示例图像</translation>
    </message>
    <message>
        <source>Export report or table…</source>
        <translation>导出报告或表格…</translation>
    </message>
    <message>
        <source>Save view as PNG…</source>
        <translation>将视图保存为 PNG…</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>重做</translation>
    </message>
    <message>
        <source>Paste image or files</source>
        <translation>粘贴图像或文件</translation>
    </message>
    <message>
        <source>Copy view</source>
        <translation>复制视图</translation>
    </message>
    <message>
        <source>Copy sentence for the case file</source>
        <translation>复制案卷用语句</translation>
    </message>
    <message>
        <source>Select all images</source>
        <translation>全选图像</translation>
    </message>
    <message>
        <source>Filter the list</source>
        <translation>筛选列表</translation>
    </message>
    <message>
        <source>Remove from list</source>
        <translation>从列表中移除</translation>
    </message>
    <message>
        <source>Remove all from list</source>
        <translation>移除列表中的全部图像</translation>
    </message>
    <message>
        <source>Next image</source>
        <translation>下一幅图像</translation>
    </message>
    <message>
        <source>Previous image</source>
        <translation>上一幅图像</translation>
    </message>
    <message>
        <source>Attribute again</source>
        <translation>重新归因</translation>
    </message>
    <message>
        <source>Attribute what is still waiting</source>
        <translation>归因尚在等待的图像</translation>
    </message>
    <message>
        <source>Pause attributing</source>
        <translation>暂停归因</translation>
    </message>
    <message>
        <source>Stop everything under way</source>
        <translation>停止所有进行中的工作</translation>
    </message>
    <message>
        <source>Compare with file…</source>
        <translation>与文件比较…</translation>
    </message>
    <message>
        <source>Use as second image</source>
        <translation>用作第二幅图像</translation>
    </message>
    <message>
        <source>Forget second image</source>
        <translation>取消第二幅图像</translation>
    </message>
    <message>
        <source>Take as known clean images</source>
        <translation>作为已知的干净图像</translation>
    </message>
    <message>
        <source>Forget known clean images</source>
        <translation>取消已知的干净图像</translation>
    </message>
    <message>
        <source>New case…</source>
        <translation>新建案卷…</translation>
    </message>
    <message>
        <source>New case of these images…</source>
        <translation>用这些图像新建案卷…</translation>
    </message>
    <message>
        <source>Open case…</source>
        <translation>打开案卷…</translation>
    </message>
    <message>
        <source>Close case</source>
        <translation>关闭案卷</translation>
    </message>
    <message>
        <source>Case overview</source>
        <translation>案卷概览</translation>
    </message>
    <message>
        <source>List all images again</source>
        <translation>重新列出全部图像</translation>
    </message>
    <message>
        <source>Tag</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Keep for comparison</source>
        <translation>保留以供比较</translation>
    </message>
    <message>
        <source>End comparison</source>
        <translation>结束比较</translation>
    </message>
    <message>
        <source>Verify files</source>
        <translation>核对文件</translation>
    </message>
    <message>
        <source>Export selected images…</source>
        <translation>导出所选图像…</translation>
    </message>
    <message>
        <source>Log of the case…</source>
        <translation>案卷日志…</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Fit to pane</source>
        <translation>适合窗格</translation>
    </message>
    <message>
        <source>One to one</source>
        <translation>一比一</translation>
    </message>
    <message>
        <source>Pan left</source>
        <translation>向左平移</translation>
    </message>
    <message>
        <source>Pan right</source>
        <translation>向右平移</translation>
    </message>
    <message>
        <source>Pan up</source>
        <translation>向上平移</translation>
    </message>
    <message>
        <source>Pan down</source>
        <translation>向下平移</translation>
    </message>
    <message>
        <source>One pane</source>
        <translation>一个窗格</translation>
    </message>
    <message>
        <source>Two panes</source>
        <translation>两个窗格</translation>
    </message>
    <message>
        <source>Three panes</source>
        <translation>三个窗格</translation>
    </message>
    <message>
        <source>Four panes</source>
        <translation>四个窗格</translation>
    </message>
    <message>
        <source>Link zoom and pan</source>
        <translation>联动缩放和平移</translation>
    </message>
    <message>
        <source>Blink</source>
        <translation>闪烁比较</translation>
    </message>
    <message>
        <source>More heatmap</source>
        <translation>增强热图</translation>
    </message>
    <message>
        <source>Less heatmap</source>
        <translation>减弱热图</translation>
    </message>
    <message>
        <source>More gain</source>
        <translation>提高增益</translation>
    </message>
    <message>
        <source>Less gain</source>
        <translation>降低增益</translation>
    </message>
    <message>
        <source>Image list</source>
        <translation>图像列表</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
    <message>
        <source>Command palette</source>
        <translation>命令面板</translation>
    </message>
    <message>
        <source>Model packs…</source>
        <translation>模型包…</translation>
    </message>
    <message>
        <source>Victims to ask…</source>
        <translation>要询问的受害模型…</translation>
    </message>
    <message>
        <source>Train a model…</source>
        <translation>训练模型…</translation>
    </message>
    <message>
        <source>Preferences…</source>
        <translation>首选项…</translation>
    </message>
    <message>
        <source>Help</source>
        <translation>帮助</translation>
    </message>
    <message>
        <source>Messages…</source>
        <translation>消息…</translation>
    </message>
    <message>
        <source>Log…</source>
        <translation>日志…</translation>
    </message>
    <message>
        <source>About MTAA Workbench</source>
        <translation>关于 MTAA Workbench</translation>
    </message>
</context>
<context>
    <name>Attacked</name>
    <message>
        <source>Attacked at a false discovery rate of {rate}: {n}</source>
        <translation>错误发现率 {rate} 下受攻击：{n}</translation>
    </message>
    <message>
        <source>(beside fewer than {n} known clean images none can be counted)</source>
        <translation>（已知的干净图像少于 {n} 幅，无法计数）</translation>
    </message>
    <message>
        <source>(beside {n} known clean images attacked ones can be counted where they are at least {share} of all)</source>
        <translation>（对照 {n} 幅已知的干净图像时，受攻击图像至少占全部的 {share} 才能计数）</translation>
    </message>
</context>
<context>
    <name>AttacksPage</name>
    <message>
        <source>Attacks</source>
        <translation>攻击</translation>
    </message>
    <message>
        <source>Every victim is attacked by every attack at every value of its grid, and each such cell gets the same number of examples. Only images that fool their victim as 8-bit files are kept.</source>
        <translation>每种攻击以其网格中的每个取值攻击每个受害模型，每个单元得到同样多的样本。只保留以 8 位文件形式仍能骗过受害模型的图像。</translation>
    </message>
    <message>
        <source>Attack</source>
        <translation>攻击</translation>
    </message>
    <message>
        <source>Hyperparameter</source>
        <translation>超参数</translation>
    </message>
    <message>
        <source>First</source>
        <translation>起始</translation>
    </message>
    <message>
        <source>Last</source>
        <translation>结束</translation>
    </message>
    <message>
        <source>Values</source>
        <translation>取值个数</translation>
    </message>
    <message>
        <source>Table 1&apos;s grids</source>
        <translation>表 1 的网格</translation>
    </message>
    <message>
        <source>Small ε, 1–16/255</source>
        <translation>小 ε，1–16/255</translation>
    </message>
    <message>
        <source>Training examples of each cell</source>
        <translation>每个单元的训练样本数</translation>
    </message>
    <message>
        <source>κ, in logits</source>
        <translation>κ（logit 单位）</translation>
    </message>
    <message>
        <source>ε, in 1/255</source>
        <translation>ε（1/255 单位）</translation>
    </message>
    <message>
        <source>At least one attack is needed.</source>
        <translation>至少需要一种攻击。</translation>
    </message>
    <message>
        <source>One attack alone needs the class &quot;clean&quot; to be told from.</source>
        <translation>只有一种攻击时，需要“干净”类别与之区分。</translation>
    </message>
    <message>
        <source>{attack}: the grid must end above its first value.</source>
        <translation>{attack}：网格的结束值必须大于起始值。</translation>
    </message>
    <message>
        <source>{attack}: every ε must be a whole number of 1/255.</source>
        <translation>{attack}：每个 ε 都必须是 1/255 的整数倍。</translation>
    </message>
    <message>
        <source>{n} adversarial examples in all, a third of them to calibrate and to measure with.</source>
        <translation>共 {n} 个对抗样本，其中三分之一用于校准和测量。</translation>
    </message>
</context>
<context>
    <name>AttributionView</name>
    <message>
        <source>Attack</source>
        <translation>攻击</translation>
    </message>
    <message>
        <source>Victim</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>Hyperparameter</source>
        <translation>超参数</translation>
    </message>
    <message>
        <source>What the victims say</source>
        <translation>受害模型的证词</translation>
    </message>
    <message>
        <source>Name of the image</source>
        <translation>图像名称</translation>
    </message>
    <message>
        <source>Sentence for the case file</source>
        <translation>案卷用语句</translation>
    </message>
    <message>
        <source>Copy sentence</source>
        <translation>复制语句</translation>
    </message>
    <message>
        <source>Coverage of prediction sets and intervals</source>
        <translation>预测集与区间的覆盖率</translation>
    </message>
    <message>
        <source>How often, over many images, the set or interval shall hold the truth</source>
        <translation>在大量图像上，预测集或区间应包含真值的频率</translation>
    </message>
    <message>
        <source>Select an image to see who made it.</source>
        <translation>选择一幅图像，查看它由谁生成。</translation>
    </message>
    <message>
        <source>For the case file</source>
        <translation>案卷用语</translation>
    </message>
    <message>
        <source>Coverage</source>
        <translation>覆盖率</translation>
    </message>
</context>
<context>
    <name>BarFilter</name>
    <message>
        <source>No longer filter by {bar}</source>
        <translation>不再按“{bar}”筛选</translation>
    </message>
</context>
<context>
    <name>Board</name>
    <message>
        <source>So many images can be called attacked with, in the mean, that share of clean ones among them. Copies count once, and unfamiliar images only beside known clean images of the same source, which are no question themselves.</source>
        <translation>可以认定这么多图像受到了攻击，而其中平均有该比例的图像其实是干净的。副本只计一次；不熟悉的图像只有在对照同一来源的已知干净图像时才计入，而这些已知图像本身不计入。</translation>
    </message>
    <message>
        <source>{n} more</source>
        <translation>另有 {n} 项</translation>
    </message>
</context>
<context>
    <name>BringVictimDialog</name>
    <message>
        <source>A folder with a sub-folder for each class, a tar file of one, or MNIST&apos;s four files. Without classes, what the victim calls an image counts as right.</source>
        <translation>每个类别一个子文件夹的文件夹、这样的 tar 文件，或 MNIST 的四个文件。没有类别时，以受害模型对图像的判断为准。</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Clean images</source>
        <translation>干净图像</translation>
    </message>
    <message>
        <source>Folder of the images</source>
        <translation>图像所在文件夹</translation>
    </message>
</context>
<context>
    <name>CaseCommands</name>
    <message>
        <source>Pasted images are in no file, and a case takes their place in the list: {n} would be lost.</source>
        <translation>粘贴的图像不在任何文件中，而案卷会取代它们在列表中的位置：将丢失 {n} 幅。</translation>
    </message>
    <message>
        <source>Go on without them</source>
        <translation>放弃它们并继续</translation>
    </message>
    <message>
        <source>New case</source>
        <translation>新建案卷</translation>
    </message>
    <message>
        <source>New case of these images</source>
        <translation>用这些图像新建案卷</translation>
    </message>
    <message>
        <source>Cases ({pattern})</source>
        <translation>案卷 ({pattern})</translation>
    </message>
    <message>
        <source>Open case</source>
        <translation>打开案卷</translation>
    </message>
    <message>
        <source>Recover what can be read</source>
        <translation>恢复可读取的内容</translation>
    </message>
    <message>
        <source>Recover into a new case</source>
        <translation>恢复到新案卷</translation>
    </message>
    <message>
        <source>Recovering {name}</source>
        <translation>正在恢复 {name}</translation>
    </message>
    <message>
        <source>Recovered files: {n}; missing: at least {missing}; without their answer, to be attributed again: {lost}. The case&apos;s log says more.</source>
        <translation>已恢复的文件：{n}；至少缺少：{missing}；结果已丢失、需要重新归因的：{lost}。案卷的日志有更多说明。</translation>
    </message>
    <message>
        <source>One case is open at a time. Not opened: {names}</source>
        <translation>一次只打开一个案卷。未打开：{names}</translation>
    </message>
    <message>
        <source>Kept. What you select or filter now is shown beside it.</source>
        <translation>已保留。接下来选择或筛选的图像将显示在其旁边。</translation>
    </message>
    <message>
        <source>Export report or table</source>
        <translation>导出报告或表格</translation>
    </message>
    <message>
        <source>Export selected images</source>
        <translation>导出所选图像</translation>
    </message>
    <message>
        <source>None of the selected images has been judged yet.</source>
        <translation>所选图像都尚未判定。</translation>
    </message>
</context>
<context>
    <name>CaseDesk</name>
    <message>
        <source>The last run was cut off. It goes on with the {n} files that still wait.</source>
        <translation>上一次归因意外中断，现在继续处理尚在等待的 {n} 个文件。</translation>
    </message>
    <message>
        <source>Files of this case that still wait: {n}. Image, Attribute what is still waiting goes on.</source>
        <translation>此案卷还有 {n} 个文件在等待。可用“图像 › 归因尚在等待的图像”继续。</translation>
    </message>
    <message>
        <source>The case is empty. Open a folder, or drop images, to put them into it.</source>
        <translation>案卷为空。打开文件夹或拖入图像，即可放入案卷。</translation>
    </message>
    <message>
        <source>This machine has not the pack {pack} of the case: files cannot be added to it.</source>
        <translation>本机没有此案卷的模型包 {pack}，因此无法添加文件。</translation>
    </message>
    <message>
        <source>tag or note</source>
        <translation>标签或备注</translation>
    </message>
    <message>
        <source>The note that could not be saved is on the clipboard.</source>
        <translation>未能保存的备注已放到剪贴板。</translation>
    </message>
</context>
<context>
    <name>CasePanels</name>
    <message>
        <source>Selected images: {n}</source>
        <translation>所选图像：{n}</translation>
    </message>
    <message>
        <source>Listed images: {n}</source>
        <translation>列出的图像：{n}</translation>
    </message>
</context>
<context>
    <name>CheckPanel</name>
    <message>
        <source>Check</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>Use what is advised</source>
        <translation>采用建议</translation>
    </message>
    <message>
        <source>Progress of the check</source>
        <translation>检查进度</translation>
    </message>
    <message>
        <source>Result of the check</source>
        <translation>检查结果</translation>
    </message>
    <message>
        <source>Something was changed since the last check.</source>
        <translation>上次检查后有改动。</translation>
    </message>
    <message>
        <source>Reading the images and the victim…</source>
        <translation>正在读取图像和受害模型…</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>The check was stopped.</source>
        <translation>检查已停止。</translation>
    </message>
    <message>
        <source>The images have no classes: what the victim calls a clean image counts as right. It named {kinds} different classes on {n} images.</source>
        <translation>图像没有类别：受害模型对干净图像的回答即视为正确。它在 {n} 张图像上给出了 {kinds} 个不同的类别。</translation>
    </message>
    <message>
        <source>It is not known which of the victim&apos;s {n} classes the images are of.</source>
        <translation>不知道图像属于受害模型 {n} 个类别中的哪些。</translation>
    </message>
    <message>
        <source>It names {share} of {n} clean test images right among its {outputs} classes, {among} if only the images&apos; own count; at least {needed} is asked for.</source>
        <translation>在其 {outputs} 个类别中，它正确识别 {n} 张干净测试图像的 {share}；只计图像自身的类别时为 {among}；至少需要 {needed}。</translation>
    </message>
    <message>
        <source>With {changes} it would name {share} right.</source>
        <translation>若采用{changes}，它可正确识别 {share}。</translation>
    </message>
    <message>
        <source>Of {n} test images nothing that would help can be found: more clean images are needed.</source>
        <translation>仅凭 {n} 张测试图像找不到有用的改法：需要更多干净图像。</translation>
    </message>
    <message>
        <source>None of the usual causes that were tried does better.</source>
        <translation>试过的常见原因都没有更好的效果。</translation>
    </message>
    <message>
        <source>BGR channels</source>
        <translation>BGR 通道</translation>
    </message>
    <message>
        <source>RGB channels</source>
        <translation>RGB 通道</translation>
    </message>
    <message>
        <source>values of {range}, mean {mean} and standard deviation {std}</source>
        <translation>取值范围 {range}、均值 {mean} 和标准差 {std}</translation>
    </message>
    <message>
        <source>the classes {numbers}</source>
        <translation>类别编号 {numbers}</translation>
    </message>
</context>
<context>
    <name>Child</name>
    <message>
        <source>It was ended from outside ({n}).</source>
        <translation>它被外部终止（{n}）。</translation>
    </message>
</context>
<context>
    <name>ChoreBar</name>
    <message>
        <source>Work under way</source>
        <translation>进行中的工作</translation>
    </message>
    <message>
        <source>How far it is</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>{n} of {total}</source>
        <translation>{n} / {total}</translation>
    </message>
    <message>
        <source>{n} so far</source>
        <translation>已有 {n}</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>{n} more</source>
        <translation>另有 {n} 项</translation>
    </message>
</context>
<context>
    <name>Columns</name>
    <message>
        <source>most: {n}</source>
        <translation>最多：{n}</translation>
    </message>
</context>
<context>
    <name>Commands</name>
    <message>
        <source>Images ({pattern});;All files (*)</source>
        <translation>图像 ({pattern});;所有文件 (*)</translation>
    </message>
    <message>
        <source>Open images</source>
        <translation>打开图像</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Save view as PNG</source>
        <translation>将视图保存为 PNG</translation>
    </message>
    <message>
        <source>Saved {path}</source>
        <translation>已保存 {path}</translation>
    </message>
    <message>
        <source>Undo {what}</source>
        <translation>撤销{what}</translation>
    </message>
    <message>
        <source>Redo {what}</source>
        <translation>重做{what}</translation>
    </message>
    <message>
        <source>pasted {n}.png</source>
        <translation>粘贴 {n}.png</translation>
    </message>
    <message>
        <source>The clipboard holds neither an image nor files.</source>
        <translation>剪贴板中既没有图像也没有文件。</translation>
    </message>
    <message>
        <source>View copied.</source>
        <translation>视图已复制。</translation>
    </message>
    <message>
        <source>Sentence copied.</source>
        <translation>已复制语句。</translation>
    </message>
    <message>
        <source>remove from list</source>
        <translation>从列表中移除</translation>
    </message>
    <message>
        <source>remove all</source>
        <translation>全部移除</translation>
    </message>
    <message>
        <source>A case keeps its answers: files that were changed since are attributed again.</source>
        <translation>案卷保留已有结果；此后改动过的文件会重新归因。</translation>
    </message>
    <message>
        <source>Compare with</source>
        <translation>比较对象</translation>
    </message>
    <message>
        <source>A report or table is still being written. It would stay unwritten.</source>
        <translation>仍有报告或表格正在写出。现在关闭，它就不会写出。</translation>
    </message>
    <message>
        <source>Close without it</source>
        <translation>不等它，直接关闭</translation>
    </message>
</context>
<context>
    <name>CrashGuard</name>
    <message>
        <source>Something in the program went wrong. Your images are untouched, and you can go on working.</source>
        <translation>程序出了问题。您的图像没有受到影响，可以继续工作。</translation>
    </message>
    <message>
        <source>It was written to {path}.</source>
        <translation>已记录到 {path}。</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详细信息</translation>
    </message>
</context>
<context>
    <name>Dashboard</name>
    <message>
        <source>{path} · pack {pack} · {coverage} coverage</source>
        <translation>{path} · 模型包 {pack} · 覆盖率 {coverage}</translation>
    </message>
    <message>
        <source>recovered from a damaged case: files may be missing</source>
        <translation>由损坏的案卷恢复：可能缺少文件</translation>
    </message>
    <message>
        <source>All images: {n}</source>
        <translation>全部图像：{n}</translation>
    </message>
</context>
<context>
    <name>Durations</name>
    <message>
        <source>{n} s</source>
        <translation>{n} 秒</translation>
    </message>
    <message>
        <source>{n} min</source>
        <translation>{n} 分钟</translation>
    </message>
    <message>
        <source>{n} h</source>
        <translation>{n} 小时</translation>
    </message>
    <message>
        <source>{h} h {m} min</source>
        <translation>{h} 小时 {m} 分钟</translation>
    </message>
    <message>
        <source>{low} to {high}</source>
        <translation>{low} 至 {high}</translation>
    </message>
</context>
<context>
    <name>Elsewhere</name>
    <message>
        <source>{places} and {n} more</source>
        <translation>{places} 及另外 {n} 处</translation>
    </message>
    <message>
        <source>This case names {places}, which you did not open for it on this computer. Look there for images that are not in it yet, and judge them?</source>
        <translation>此案卷提到 {places}，而您没有在这台计算机上为它打开过这些位置。是否到那里查找尚未收入案卷的图像并进行归因？</translation>
    </message>
</context>
<context>
    <name>ElsewhereBar</name>
    <message>
        <source>Folders that were opened elsewhere</source>
        <translation>在别处打开的文件夹</translation>
    </message>
    <message>
        <source>&amp;Look there</source>
        <translation>在那里查找(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Not now</source>
        <translation>暂不(&amp;N)</translation>
    </message>
</context>
<context>
    <name>Errors</name>
    <message>
        <source>{path} does not exist. Check the name and the folder.</source>
        <translation>{path} 不存在。请检查名称和文件夹。</translation>
    </message>
    <message>
        <source>{path} is a folder. Name image files, or a folder that may be searched.</source>
        <translation>{path} 是文件夹。请指定图像文件，或可以搜索的文件夹。</translation>
    </message>
    <message>
        <source>{path} is not a regular file. Copy the image into a file first.</source>
        <translation>{path} 不是普通文件。请先把图像复制到文件中。</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}. Check that you may read it.</source>
        <translation>无法读取 {path}：{reason}。请检查您是否有读取权限。</translation>
    </message>
    <message>
        <source>{path} is empty. Copy or export the image again.</source>
        <translation>{path} 是空文件。请重新复制或导出图像。</translation>
    </message>
    <message>
        <source>{path} is larger than {n} MiB. Crop or split the image first.</source>
        <translation>{path} 大于 {n} MiB。请先裁剪或拆分图像。</translation>
    </message>
    <message>
        <source>{path} has {size} pixels, which is too many. Crop it first.</source>
        <translation>{path} 有 {size} 像素，太多了。请先裁剪。</translation>
    </message>
    <message>
        <source>{path} is not an image that can be read. Give it as {kinds}.</source>
        <translation>{path} 不是可以读取的图像。请以 {kinds} 格式提供。</translation>
    </message>
    <message>
        <source>{path} is a HEIC file or of its kind, which is not read. Export it as PNG, at its full size.</source>
        <translation>{path} 是 HEIC 或同类文件，无法读取。请按原尺寸导出为 PNG。</translation>
    </message>
    <message>
        <source>{path} unpacks to far too many pixels. Do not open it; crop it first.</source>
        <translation>{path} 解压后的像素过多。请不要打开，先裁剪。</translation>
    </message>
    <message>
        <source>There is not enough memory for {path}. Close other programs, or crop it.</source>
        <translation>内存不足以读取 {path}。请关闭其他程序，或裁剪图像。</translation>
    </message>
    <message>
        <source>{path} is damaged or cut short ({reason}). Copy or export the image again.</source>
        <translation>{path} 已损坏或不完整（{reason}）。请重新复制或导出图像。</translation>
    </message>
    <message>
        <source>{path} stores 32-bit whole numbers, whose range is unknown. Save it with 8 or 16 bits.</source>
        <translation>{path} 存储的是 32 位整数，其取值范围未知。请以 8 位或 16 位保存。</translation>
    </message>
    <message>
        <source>{path} has the shape {shape}. Save one image a file, as [H, W], [C, H, W] or [H, W, C].</source>
        <translation>{path} 的形状为 {shape}。请每个文件保存一张图像，形状为 [H, W]、[C, H, W] 或 [H, W, C]。</translation>
    </message>
    <message>
        <source>{path} holds {kind} values. Give floats in [0, 1], uint8 or uint16.</source>
        <translation>{path} 的数值类型为 {kind}。请提供 [0, 1] 内的浮点数、uint8 或 uint16。</translation>
    </message>
    <message>
        <source>{path} is a damaged .npy file ({reason}). Save the array again.</source>
        <translation>{path} 是损坏的 .npy 文件（{reason}）。请重新保存数组。</translation>
    </message>
    <message>
        <source>{path} holds values that are not numbers (NaN or infinite). Save the image again.</source>
        <translation>{path} 含有非数值（NaN 或无穷大）。请重新保存图像。</translation>
    </message>
    <message>
        <source>The answer about it was lost where the case was damaged. Attribute it again.</source>
        <translation>它的结果在案卷损坏处丢失。请重新归因。</translation>
    </message>
    <message>
        <source>{path} holds values from {low} to {high}. Scale them to [0, 1] and save again.</source>
        <translation>{path} 的数值范围是 {low} 到 {high}。请缩放到 [0, 1] 后重新保存。</translation>
    </message>
    <message>
        <source>{path} does not exist.</source>
        <translation>{path} 不存在。</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}.</source>
        <translation>无法读取 {path}：{reason}。</translation>
    </message>
    <message>
        <source>{path} cannot be written: it is not a regular file.</source>
        <translation>无法写入 {path}：它不是普通文件。</translation>
    </message>
    <message>
        <source>{path} cannot be written: {folder} may not be written to.</source>
        <translation>无法写入 {path}：{folder} 不允许写入。</translation>
    </message>
    <message>
        <source>{path} cannot be written: {reason}.</source>
        <translation>无法写入 {path}：{reason}。</translation>
    </message>
    <message>
        <source>{path} cannot be written to: {reason}.</source>
        <translation>无法向 {path} 写入：{reason}。</translation>
    </message>
    <message>
        <source>The folder {path} cannot be made: {reason}.</source>
        <translation>无法建立文件夹 {path}：{reason}。</translation>
    </message>
    <message>
        <source>Another process is at work in {path}.</source>
        <translation>另一个进程正在 {path} 中工作。</translation>
    </message>
    <message>
        <source>The disk is full: {path} takes {needed}, {free} are free.</source>
        <translation>磁盘已满：{path} 需要 {needed}，只剩 {free}。</translation>
    </message>
    <message>
        <source>The disk is full: {path} takes {needed}.</source>
        <translation>磁盘已满：{path} 需要 {needed}。</translation>
    </message>
    <message>
        <source>This run takes about {needed} in {folder}, where {free} are free.</source>
        <translation>此次运行约需 {folder} 中的 {needed}，而那里只剩 {free}。</translation>
    </message>
    <message>
        <source>{path} exists already.</source>
        <translation>{path} 已经存在。</translation>
    </message>
    <message>
        <source>{path} is no case, or a damaged one ({reason}).</source>
        <translation>{path} 不是案卷，或已损坏（{reason}）。</translation>
    </message>
    <message>
        <source>{path} belongs to a case that was moved or deleted after a crash.</source>
        <translation>{path} 属于一个在崩溃后被移动或删除的案卷。</translation>
    </message>
    <message>
        <source>{path} is in use by another program.</source>
        <translation>{path} 正被另一个程序使用。</translation>
    </message>
    <message>
        <source>{path} is in use by processes that share it.</source>
        <translation>{path} 正被共享它的进程使用。</translation>
    </message>
    <message>
        <source>{path} may only be read.</source>
        <translation>{path} 只能读取。</translation>
    </message>
    <message>
        <source>{path} was moved, deleted or replaced while it was open.</source>
        <translation>{path} 在打开期间被移动、删除或替换。</translation>
    </message>
    <message>
        <source>{path} is a folder.</source>
        <translation>{path} 是文件夹。</translation>
    </message>
    <message>
        <source>{path} cannot be used: {reason}.</source>
        <translation>无法使用 {path}：{reason}。</translation>
    </message>
    <message>
        <source>{path} is a database of another program.</source>
        <translation>{path} 是其他程序的数据库。</translation>
    </message>
    <message>
        <source>{path} has the schema {found}, this program reads {known}.</source>
        <translation>{path} 的格式版本为 {found}，本程序读取的是 {known}。</translation>
    </message>
    <message>
        <source>{path} is not in the case; it may have been found again under another name.</source>
        <translation>{path} 不在案卷中；它可能已以另一个名称被重新找到。</translation>
    </message>
    <message>
        <source>{path} was given another tag or note by another window or program meanwhile.</source>
        <translation>{path} 的标签或备注在此期间已被另一个窗口或程序改动。</translation>
    </message>
    <message>
        <source>{path} does not tell any more which pack judged its images.</source>
        <translation>{path} 中已无法得知其图像由哪个模型包判断。</translation>
    </message>
    <message>
        <source>{path} has lost the pack {pack}, and this machine has it not.</source>
        <translation>{path} 中的模型包 {pack} 已丢失，本机也没有该模型包。</translation>
    </message>
    <message>
        <source>There is no pack {name}.</source>
        <translation>没有模型包 {name}。</translation>
    </message>
    <message>
        <source>{path} is no pack, or one that is damaged or cut short ({reason}).</source>
        <translation>{path} 不是模型包，或已损坏、不完整（{reason}）。</translation>
    </message>
    <message>
        <source>{path}: the weights&apos; hash is {found}, the manifest says {stated}.</source>
        <translation>{path}：权重的哈希值为 {found}，清单中写的是 {stated}。</translation>
    </message>
    <message>
        <source>{path}: the manifest&apos;s schema is {found}, this program reads {known}.</source>
        <translation>{path}：清单的格式版本为 {found}，本程序读取的是 {known}。</translation>
    </message>
    <message>
        <source>{path}: the weights do not fit the manifest&apos;s {attacks} attacks, {victims} victims and network: {reason}.</source>
        <translation>{path}：权重与清单中的 {attacks} 种攻击、{victims} 个受害模型和网络不符：{reason}。</translation>
    </message>
    <message>
        <source>{path} holds {name}, a pickle, which could run a program.</source>
        <translation>{path} 含有 pickle 文件 {name}，它可能会执行程序。</translation>
    </message>
    <message>
        <source>{path}: {name} is compressed or encrypted.</source>
        <translation>{path}：{name} 被压缩或加密。</translation>
    </message>
    <message>
        <source>{path}: {name} is larger than {n} MiB.</source>
        <translation>{path}：{name} 大于 {n} MiB。</translation>
    </message>
    <message>
        <source>{path}: {name} is not JSON ({reason}).</source>
        <translation>{path}：{name} 不是 JSON（{reason}）。</translation>
    </message>
    <message>
        <source>{path}: {name} is not safetensors but {kind}.</source>
        <translation>{path}：{name} 不是 safetensors，而是 {kind}。</translation>
    </message>
    <message>
        <source>What the pack {name} answers is no number.</source>
        <translation>模型包 {name} 给出的结果不是数字。</translation>
    </message>
    <message>
        <source>Another pack named {name} is already there.</source>
        <translation>已经有另一个名为 {name} 的模型包。</translation>
    </message>
    <message>
        <source>The program comes with a pack named {name}.</source>
        <translation>程序自带一个名为 {name} 的模型包。</translation>
    </message>
    <message>
        <source>{path} is not one that was imported.</source>
        <translation>{path} 不是导入的模型包。</translation>
    </message>
    <message>
        <source>This machine has no device {name}.</source>
        <translation>这台计算机没有设备 {name}。</translation>
    </message>
    <message>
        <source>{name} is no device.</source>
        <translation>{name} 不是设备。</translation>
    </message>
    <message>
        <source>{name} is not supported.</source>
        <translation>不支持 {name}。</translation>
    </message>
    <message>
        <source>{device} has not enough free memory for one image.</source>
        <translation>{device} 的空闲内存不足以处理一张图像。</translation>
    </message>
    <message>
        <source>No file of {name} is at hand.</source>
        <translation>手头没有 {name} 的文件。</translation>
    </message>
    <message>
        <source>{path} was changed while the program ran.</source>
        <translation>{path} 在程序运行期间被改动。</translation>
    </message>
    <message>
        <source>The pack&apos;s own victims are not asked.</source>
        <translation>不询问模型包自己的受害模型。</translation>
    </message>
    <message>
        <source>The pack {name} cannot ask victims.</source>
        <translation>模型包 {name} 不能询问受害模型。</translation>
    </message>
    <message>
        <source>{path} takes images of {size}, the pack {name} {other}.</source>
        <translation>{path} 接受 {size} 的图像，而模型包 {name} 接受 {other}。</translation>
    </message>
    <message>
        <source>{path} gives itself a name that cannot be shown.</source>
        <translation>{path} 自称的名称无法显示。</translation>
    </message>
    <message>
        <source>{path} is no file.</source>
        <translation>{path} 不是文件。</translation>
    </message>
    <message>
        <source>There is no victim {path}.</source>
        <translation>没有受害模型 {path}。</translation>
    </message>
    <message>
        <source>{path} is not a victim file: {reason}.</source>
        <translation>{path} 不是受害模型文件：{reason}。</translation>
    </message>
    <message>
        <source>What {name} says of an image is no number.</source>
        <translation>{name} 对一张图像的回答不是数字。</translation>
    </message>
    <message>
        <source>{name} cannot be asked: {reason}.</source>
        <translation>无法询问 {name}：{reason}。</translation>
    </message>
    <message>
        <source>The file does not hold the program that its card speaks of.</source>
        <translation>该文件没有其说明卡所说的程序。</translation>
    </message>
    <message>
        <source>The weights are not a {name}&apos;s.</source>
        <translation>这些权重不属于 {name}。</translation>
    </message>
    <message>
        <source>A victim of the closed set is not at hand.</source>
        <translation>封闭集合中有一个受害模型不在手头。</translation>
    </message>
    <message>
        <source>None of the clean images could be judged.</source>
        <translation>没有一幅干净图像能够判断。</translation>
    </message>
    <message>
        <source>The pack {name} does not know “clean”.</source>
        <translation>模型包 {name} 不认识“干净”。</translation>
    </message>
    <message>
        <source>The known clean images were judged by another pack, or with other victims.</source>
        <translation>已知的干净图像是由另一个模型包判断的，或当时询问的是其他受害模型。</translation>
    </message>
    <message>
        <source>{path} was made asking {settled}, and now it would be asking {wanted}.</source>
        <translation>{path} 归因时询问的是 {settled}，而现在将询问 {wanted}。</translation>
    </message>
    <message>
        <source>Read what stands there now, and edit that.</source>
        <translation>请先阅读现有内容，再在其基础上修改。</translation>
    </message>
    <message>
        <source>Go on with it (open it in the window, or --resume), or choose another name.</source>
        <translation>请继续使用它（在窗口中打开，或使用 --resume），或另选名称。</translation>
    </message>
    <message>
        <source>Hand over its file, or open the set.</source>
        <translation>请交出它的文件，或取消封闭集合。</translation>
    </message>
    <message>
        <source>Check the name and the folder.</source>
        <translation>请检查名称和文件夹。</translation>
    </message>
    <message>
        <source>Check the path.</source>
        <translation>请检查路径。</translation>
    </message>
    <message>
        <source>Check the folder.</source>
        <translation>请检查文件夹。</translation>
    </message>
    <message>
        <source>Choose a folder that exists and is yours.</source>
        <translation>请选择一个存在且属于您的文件夹。</translation>
    </message>
    <message>
        <source>Choose a folder that is yours.</source>
        <translation>请选择一个属于您的文件夹。</translation>
    </message>
    <message>
        <source>Choose a file in a folder that exists.</source>
        <translation>请选择位于现有文件夹中的文件。</translation>
    </message>
    <message>
        <source>Choose a file in a folder.</source>
        <translation>请选择文件夹中的文件。</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>请选择其他文件夹。</translation>
    </message>
    <message>
        <source>Wait for its end, or choose another folder.</source>
        <translation>请等它结束，或选择其他文件夹。</translation>
    </message>
    <message>
        <source>Wait for their end.</source>
        <translation>请等它们结束。</translation>
    </message>
    <message>
        <source>Make room on the disk of {folder} and do the same again: what was kept before is still there.</source>
        <translation>请在 {folder} 所在的磁盘上腾出空间后重试：之前保存的内容仍在。</translation>
    </message>
    <message>
        <source>Make room there, choose a folder on another disk, or ask for fewer examples.</source>
        <translation>请在那里腾出空间，选择另一磁盘上的文件夹，或减少样本数。</translation>
    </message>
    <message>
        <source>Go back to a copy of it, or start a new case.</source>
        <translation>请改用它的副本，或新建案卷。</translation>
    </message>
    <message>
        <source>Go back to a copy of it, or recover what can still be read into a new case (mtaa case recover).</source>
        <translation>请使用它的副本，或将仍可读取的内容恢复到新案卷（mtaa case recover）。</translation>
    </message>
    <message>
        <source>Go back to a copy of it.</source>
        <translation>请使用它的副本。</translation>
    </message>
    <message>
        <source>Import that pack first.</source>
        <translation>请先导入该模型包。</translation>
    </message>
    <message>
        <source>Put it back beside that case and open it, or delete it.</source>
        <translation>请把它放回那个案卷旁边再打开，或将其删除。</translation>
    </message>
    <message>
        <source>Wait for it, or close it.</source>
        <translation>请等待该程序，或将其关闭。</translation>
    </message>
    <message>
        <source>Copy it to where you may write, and open the copy.</source>
        <translation>请把它复制到可写入的位置，再打开副本。</translation>
    </message>
    <message>
        <source>Copy the case elsewhere.</source>
        <translation>请把案卷复制到别处。</translation>
    </message>
    <message>
        <source>The case is as it was. Free or check its disk, or copy it elsewhere.</source>
        <translation>案卷保持原样。请清理或检查其磁盘，或把它复制到别处。</translation>
    </message>
    <message>
        <source>Choose a {kind} file.</source>
        <translation>请选择 {kind} 文件。</translation>
    </message>
    <message>
        <source>Put it back, or open it where it is now.</source>
        <translation>请把它放回原处，或从现在的位置打开。</translation>
    </message>
    <message>
        <source>Use the version of the program that wrote the case.</source>
        <translation>请使用写出该案卷的程序版本。</translation>
    </message>
    <message>
        <source>Use the version of the program that wrote the pack.</source>
        <translation>请使用写出该模型包的程序版本。</translation>
    </message>
    <message>
        <source>Look for that name in the list.</source>
        <translation>请在列表中查找那个名称。</translation>
    </message>
    <message>
        <source>Give the path of a {kind} file or one of these: {known}.</source>
        <translation>请给出 {kind} 文件的路径，或以下之一：{known}。</translation>
    </message>
    <message>
        <source>Copy or download the pack again.</source>
        <translation>请重新复制或下载该模型包。</translation>
    </message>
    <message>
        <source>Use a pack that this program or its command line exported.</source>
        <translation>请使用由本程序或其命令行导出的模型包。</translation>
    </message>
    <message>
        <source>Take it from where it was made again.</source>
        <translation>请从其制作处重新获取。</translation>
    </message>
    <message>
        <source>Remove that one first, or use this one by its path: {path}.</source>
        <translation>请先移除那一个，或按路径使用这一个：{path}。</translation>
    </message>
    <message>
        <source>Use this one by its path: {path}.</source>
        <translation>请按路径使用这一个：{path}。</translation>
    </message>
    <message>
        <source>Only imported packs can be removed.</source>
        <translation>只能移除导入的模型包。</translation>
    </message>
    <message>
        <source>Use auto or cpu.</source>
        <translation>请使用 auto 或 cpu。</translation>
    </message>
    <message>
        <source>Use auto, cpu, cuda or cuda:N.</source>
        <translation>请使用 auto、cpu、cuda 或 cuda:N。</translation>
    </message>
    <message>
        <source>Close other programs that use it, or choose another device.</source>
        <translation>请关闭占用它的其他程序，或选择其他设备。</translation>
    </message>
    <message>
        <source>Hand over the victim&apos;s {kind} file.</source>
        <translation>请提供该受害模型的 {kind} 文件。</translation>
    </message>
    <message>
        <source>Load the pack again.</source>
        <translation>请重新加载模型包。</translation>
    </message>
    <message>
        <source>Do the same again.</source>
        <translation>请重做一次。</translation>
    </message>
    <message>
        <source>Train a pack whose scenario has [probes].</source>
        <translation>请训练一个场景中含有 [probes] 的模型包。</translation>
    </message>
    <message>
        <source>Choose a pack for images of its size.</source>
        <translation>请选择适合其尺寸图像的模型包。</translation>
    </message>
    <message>
        <source>Bring the victim in under another.</source>
        <translation>请以其他名称引入该受害模型。</translation>
    </message>
    <message>
        <source>Train it with `mtaa victims train` into this folder, or name another.</source>
        <translation>请用 `mtaa victims train` 将其训练到此文件夹，或指定其他文件夹。</translation>
    </message>
    <message>
        <source>Train it with `mtaa victims train`, or make it of a model of your own (TorchScript, torch.export, ONNX, a state dict) with `mtaa victims import`.</source>
        <translation>请用 `mtaa victims train` 训练，或用 `mtaa victims import` 由您自己的模型（TorchScript、torch.export、ONNX、状态字典）制作。</translation>
    </message>
    <message>
        <source>Do not ask it, or hand over another file.</source>
        <translation>请不要询问它，或提供其他文件。</translation>
    </message>
    <message>
        <source>Bring the victim again.</source>
        <translation>请重新引入该受害模型。</translation>
    </message>
    <message>
        <source>Train it again.</source>
        <translation>请重新训练。</translation>
    </message>
    <message>
        <source>Choose images that can be read.</source>
        <translation>请选择可以读取的图像。</translation>
    </message>
    <message>
        <source>Choose one that does.</source>
        <translation>请选择认识它的模型包。</translation>
    </message>
    <message>
        <source>Give them again.</source>
        <translation>请重新给出。</translation>
    </message>
    <message>
        <source>Forget them, and take them again.</source>
        <translation>请取消它们，然后重新选取。</translation>
    </message>
    <message>
        <source>Ask the same victims (in the window&apos;s list, or by --victim, --no-ask and --closed-set), or start a new case.</source>
        <translation>请询问相同的受害模型（在窗口的列表中，或用 --victim、--no-ask 和 --closed-set），或新建案卷。</translation>
    </message>
    <message>
        <source>{what} {remedy}</source>
        <translation>{what}{remedy}</translation>
    </message>
</context>
<context>
    <name>ExampleStrip</name>
    <message>
        <source>Examples as they are made</source>
        <translation>生成中的样本</translation>
    </message>
    <message>
        <source>Examples appear here as they are made.</source>
        <translation>样本生成后会显示在这里。</translation>
    </message>
</context>
<context>
    <name>Exports</name>
    <message>
        <source>Not written: {names}</source>
        <translation>未写出：{names}</translation>
    </message>
    <message>
        <source>Writing {name}</source>
        <translation>正在写出 {name}</translation>
    </message>
    <message>
        <source>Saved {path}</source>
        <translation>已保存 {path}</translation>
    </message>
    <message>
        <source>not in it, for they still wait: {n}</source>
        <translation>其中不含仍在等待的图像：{n}</translation>
    </message>
</context>
<context>
    <name>Facets</name>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Copies</source>
        <translation>副本</translation>
    </message>
    <message>
        <source>Attack</source>
        <translation>攻击</translation>
    </message>
    <message>
        <source>Victim</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>Attack and victim</source>
        <translation>攻击与受害模型</translation>
    </message>
    <message>
        <source>Probability of the attack</source>
        <translation>攻击的概率</translation>
    </message>
    <message>
        <source>Probability of the victim</source>
        <translation>受害模型的概率</translation>
    </message>
    <message>
        <source>Candidates for the attack</source>
        <translation>攻击的候选数</translation>
    </message>
    <message>
        <source>Candidates for the victim</source>
        <translation>受害模型的候选数</translation>
    </message>
    <message>
        <source>What the named victim sees</source>
        <translation>所指受害模型看到的类别</translation>
    </message>
    <message>
        <source>Before, as most others see it</source>
        <translation>此前的类别（多数其他模型所见）</translation>
    </message>
    <message>
        <source>unconfirmed</source>
        <translation>未得到印证</translation>
    </message>
    <message>
        <source>Clean images that look at least as attacked</source>
        <translation>看起来至少同样像受攻击的干净图像</translation>
    </message>
    <message>
        <source>familiar</source>
        <translation>熟悉</translation>
    </message>
    <message>
        <source>unfamiliar</source>
        <translation>不熟悉</translation>
    </message>
    <message>
        <source>not attributed</source>
        <translation>未归因</translation>
    </message>
    <message>
        <source>no copy</source>
        <translation>非副本</translation>
    </message>
    <message>
        <source>copy of another file</source>
        <translation>另一文件的副本</translation>
    </message>
    <message>
        <source>another class</source>
        <translation>其他类别</translation>
    </message>
</context>
<context>
    <name>HyperparameterCard</name>
    <message>
        <source>None: the image is held for clean</source>
        <translation>无：图像被认为是干净的</translation>
    </message>
    <message>
        <source>Task σ {sigma}</source>
        <translation>任务 σ {sigma}</translation>
    </message>
    <message>
        <source>If it was {attack} instead: {value}, {interval}</source>
        <translation>若为 {attack}：{value}，{interval}</translation>
    </message>
</context>
<context>
    <name>ImageList</name>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>copy</source>
        <translation>副本</translation>
    </message>
    <message>
        <source>Same bytes as {path}</source>
        <translation>与 {path} 内容完全相同</translation>
    </message>
    <message>
        <source>has a note</source>
        <translation>有备注</translation>
    </message>
</context>
<context>
    <name>ImageListPanel</name>
    <message>
        <source>Filter by name or answer</source>
        <translation>按名称或结果筛选</translation>
    </message>
    <message>
        <source>Filter the image list</source>
        <translation>筛选图像列表</translation>
    </message>
    <message>
        <source>Order of the image list</source>
        <translation>图像列表的顺序</translation>
    </message>
    <message>
        <source>Which images to list</source>
        <translation>列出哪些图像</translation>
    </message>
    <message>
        <source>Reverse the order</source>
        <translation>反转顺序</translation>
    </message>
    <message>
        <source>Images</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>As opened</source>
        <translation>按打开顺序</translation>
    </message>
    <message>
        <source>By name</source>
        <translation>按名称</translation>
    </message>
    <message>
        <source>By attack</source>
        <translation>按攻击</translation>
    </message>
    <message>
        <source>By victim</source>
        <translation>按受害模型</translation>
    </message>
    <message>
        <source>By doubt</source>
        <translation>按不确定程度</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>One candidate</source>
        <translation>单一候选</translation>
    </message>
    <message>
        <source>One candidate, weak evidence</source>
        <translation>一个候选，证据较弱</translation>
    </message>
    <message>
        <source>Left open</source>
        <translation>未定</translation>
    </message>
    <message>
        <source>Unfamiliar</source>
        <translation>不熟悉</translation>
    </message>
    <message>
        <source>Errors</source>
        <translation>错误</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Images: {total}</source>
        <translation>图像：{total}</translation>
    </message>
    <message>
        <source>Images: {shown} of {total}</source>
        <translation>图像：{shown} / {total}</translation>
    </message>
    <message>
        <source>No image passes the filter.</source>
        <translation>没有图像符合筛选条件。</translation>
    </message>
    <message>
        <source>Drop images or folders here, or choose File, Open images.</source>
        <translation>将图像或文件夹拖到此处，或选择“文件 › 打开图像”。</translation>
    </message>
</context>
<context>
    <name>ImagesPage</name>
    <message>
        <source>Clean images</source>
        <translation>干净图像</translation>
    </message>
    <message>
        <source>Attacks start from clean images, and the victims learn from them. The same images never serve both training and measuring.</source>
        <translation>攻击从干净图像出发，受害模型也从中学习。同一图像绝不同时用于训练和测量。</translation>
    </message>
    <message>
        <source>scikit-learn&apos;s digits</source>
        <translation>scikit-learn 手写数字</translation>
    </message>
    <message>
        <source>MNIST</source>
        <translation>MNIST</translation>
    </message>
    <message>
        <source>A folder of images</source>
        <translation>图像文件夹</translation>
    </message>
    <message>
        <source>Sub-folders are the classes, as in Imagenette; tar files of such folders will do. Without sub-folders a victim&apos;s own answers count as right.</source>
        <translation>子文件夹即类别，如 Imagenette；也可以是此类文件夹的 tar 文件。没有子文件夹时，以受害模型自己的回答为正确。</translation>
    </message>
    <message>
        <source>Folder of the images</source>
        <translation>图像所在文件夹</translation>
    </message>
    <message>
        <source>Colour</source>
        <translation>彩色</translation>
    </message>
    <message>
        <source>Grey</source>
        <translation>灰度</translation>
    </message>
    <message>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>尺寸</translation>
    </message>
    <message>
        <source>Channels</source>
        <translation>通道</translation>
    </message>
    <message>
        <source>Images of each class</source>
        <translation>每类图像数</translation>
    </message>
    <message>
        <source>The largest centred square of each image is scaled to this side.</source>
        <translation>取每张图像中央最大的正方形，缩放到此边长。</translation>
    </message>
    <message>
        <source>Folder with MNIST&apos;s files</source>
        <translation>MNIST 文件所在的文件夹</translation>
    </message>
    <message>
        <source>Looking at the images…</source>
        <translation>正在查看图像…</translation>
    </message>
    <message>
        <source>{images} images, {held_out} of them held out for testing; {classes}; most are {width}×{height}.</source>
        <translation>{images} 张图像，其中 {held_out} 张留作测试；{classes}；多数为 {width}×{height}。</translation>
    </message>
    <message>
        <source>Taken in: {taken} images, {size} MiB on disk.</source>
        <translation>将读入 {taken} 张，占用磁盘 {size} MiB。</translation>
    </message>
    <message>
        <source>{n} classes</source>
        <translation>{n} 个类别</translation>
    </message>
    <message>
        <source>no classes</source>
        <translation>没有类别</translation>
    </message>
    <message>
        <source>Of {n} looked at, {lost} cannot be read and are left out: {reason}</source>
        <translation>查看的 {n} 张中有 {lost} 张无法读取，已略去：{reason}</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Download MNIST into this folder</source>
        <translation>将 MNIST 下载到此文件夹</translation>
    </message>
    <message>
        <source>Examples of the class &quot;clean&quot;</source>
        <translation>“干净”类别的样本数</translation>
    </message>
    <message>
        <source>Small grey images of handwriting. No download: good for a try.</source>
        <translation>小尺寸的手写数字灰度图像。无需下载：适合试用。</translation>
    </message>
    <message>
        <source>The paper&apos;s images of handwriting, from their four files.</source>
        <translation>论文所用的手写数字图像，来自其四个文件。</translation>
    </message>
    <message>
        <source>0 leaves the class out: every image then counts as attacked.</source>
        <translation>0 表示不设此类别：此时每幅图像都视为受过攻击。</translation>
    </message>
    <message>
        <source>Come back to it</source>
        <translation>回到该训练</translation>
    </message>
    <message>
        <source>There is a training in {folder}.</source>
        <translation>{folder} 中有一次训练。</translation>
    </message>
    <message>
        <source>Folder of images, or a tar file</source>
        <translation>图像文件夹或 tar 文件</translation>
    </message>
    <message>
        <source>Choose the folder.</source>
        <translation>请选择文件夹。</translation>
    </message>
    <message>
        <source>Not in this folder: {files}.</source>
        <translation>此文件夹中缺少：{files}。</translation>
    </message>
</context>
<context>
    <name>KnownClean</name>
    <message>
        <source>None of the selected images has been judged yet.</source>
        <translation>所选图像都尚未判定。</translation>
    </message>
    <message>
        <source>Not among the known clean images, for they have no answer: {n}</source>
        <translation>因为没有结果而未列入已知干净图像的：{n}</translation>
    </message>
    <message>
        <source>The known clean images are left out while another pack or other victims judge.</source>
        <translation>由另一个模型包或其他受害模型判断期间，不使用已知的干净图像。</translation>
    </message>
</context>
<context>
    <name>Labels</name>
    <message>
        <source>clean</source>
        <translation>干净</translation>
    </message>
    <message>
        <source>none of these</source>
        <translation>都不是</translation>
    </message>
</context>
<context>
    <name>Layers</name>
    <message>
        <source>Drop an image here, or choose one from the list.</source>
        <translation>将图像拖到此处，或从列表中选择。</translation>
    </message>
    <message>
        <source>The heatmap is being made.</source>
        <translation>正在生成热图。</translation>
    </message>
    <message>
        <source>The heatmap appears once the image has been judged.</source>
        <translation>图像归因后显示热图。</translation>
    </message>
    <message>
        <source>This pack does not estimate the perturbation pixel by pixel.</source>
        <translation>此模型包不逐像素估计扰动。</translation>
    </message>
    <message>
        <source>Choose an image to compare with: Image, Compare with file.</source>
        <translation>请选择比较对象：“图像 › 与文件比较”。</translation>
    </message>
    <message>
        <source>The images differ in size or channels ({a}, {b}), so they have no difference.</source>
        <translation>两幅图像的尺寸或通道不同（{a}、{b}），无法求差。</translation>
    </message>
    <message>
        <source>value {v}</source>
        <translation>数值 {v}</translation>
    </message>
    <message>
        <source>heat {v}</source>
        <translation>热度 {v}</translation>
    </message>
    <message>
        <source>perturbation {v}</source>
        <translation>扰动 {v}</translation>
    </message>
    <message>
        <source>difference {v}</source>
        <translation>差异 {v}</translation>
    </message>
</context>
<context>
    <name>Legend</name>
    <message>
        <source>strongest place {value}</source>
        <translation>最强处 {value}</translation>
    </message>
    <message>
        <source>relative to the strongest place</source>
        <translation>相对于最强处</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Tools</source>
        <translation>工具</translation>
    </message>
    <message>
        <source>Select an image to see who made it.</source>
        <translation>选择一幅图像，查看它由谁生成。</translation>
    </message>
    <message>
        <source>The model pack is loading. The answer follows by itself.</source>
        <translation>正在加载模型包，结果稍后自动显示。</translation>
    </message>
    <message>
        <source>Waiting to be judged.</source>
        <translation>等待归因。</translation>
    </message>
    <message>
        <source>No images were found there.</source>
        <translation>没有找到图像。</translation>
    </message>
</context>
<context>
    <name>MakersLabel</name>
    <message>
        <source>What the images say together that are called attacked; unfamiliar ones are not counted. The probabilities hold if one maker attacked them, and if the pack knows the attack and the victim. Several makers are told where they explain the images better than one.</source>
        <translation>被判为受攻击的图像合在一起说明什么；陌生图像不计入。这些概率成立的前提是：图像由同一来源攻击，且模型包认识该攻击和受害模型。若多个来源比一个来源更能解释这些图像，则列出多个。</translation>
    </message>
    <message>
        <source>If one maker attacked them: {told}; fits {n} of {m} attacked images</source>
        <translation>若由同一来源攻击：{told}；符合 {m} 张受攻击图像中的 {n} 张</translation>
    </message>
    <message>
        <source>{n} by {attack} against {victim}</source>
        <translation>{n} 张由 {attack} 攻击 {victim}</translation>
    </message>
    <message>
        <source>{k} makers are likelier than one. Of {m} attacked images: {told}</source>
        <translation>{k} 个来源比一个更有可能。{m} 张受攻击图像中：{told}</translation>
    </message>
    <message>
        <source>{n} by others</source>
        <translation>{n} 张来自其他来源</translation>
    </message>
    <message>
        <source>At least {k} makers are likelier than one. Of {m} attacked images: {told}</source>
        <translation>至少 {k} 个来源比一个更有可能。{m} 张受攻击图像中：{told}</translation>
    </message>
    <message>
        <source>{value} (half of them {low} to {high})</source>
        <translation>{value}（其中一半在 {low} 到 {high} 之间）</translation>
    </message>
</context>
<context>
    <name>ModelPage</name>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>The network learns from the examples and becomes a model pack. Everything is written below one folder, and a run that was stopped goes on from there.</source>
        <translation>网络从样本中学习并成为模型包。所有内容都写入同一个文件夹，停止的运行可以从那里继续。</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>From scratch</source>
        <translation>从头开始</translation>
    </message>
    <message>
        <source>From the pack {pack}</source>
        <translation>从模型包 {pack} 开始</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>起点</translation>
    </message>
    <message>
        <source>A pack to start from brings its victims, attacks and network. What you chose beside them is added to it, and of what it knows few examples are enough.</source>
        <translation>作为起点的模型包会带来它的受害模型、攻击和网络。您另外选择的会加入其中；它已经学会的内容只需少量样本。</translation>
    </message>
    <message>
        <source>Training examples of each cell it knows</source>
        <translation>已学会的每个单元的训练样本数</translation>
    </message>
    <message>
        <source>Learn from changed images too</source>
        <translation>也从改动过的图像中学习</translation>
    </message>
    <message>
        <source>Half of the examples are compressed, scaled, cropped, lit otherwise or made noisy each time they are shown, as far as the attack outlasts it. Attacks are then known in JPEG files and screenshots too; more images that nobody attacked are called attacked.</source>
        <translation>每次展示样本时，只要攻击在改动之后仍然有效，其中一半会经过压缩、缩放、裁剪、改变明暗或加噪。这样在 JPEG 文件和屏幕截图中也能识别攻击；而被误认为受到攻击的干净图像会增多。</translation>
    </message>
    <message>
        <source>The pack can ask its victims</source>
        <translation>模型包可以询问受害模型</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>训练轮数</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Name of the pack</source>
        <translation>模型包名称</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Folder of the run</source>
        <translation>运行文件夹</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Victims at hand then say of every image whether it was aimed at them: they are named more surely, and a new one is added by handing over its file. It costs four forward passes and three gradients of each victim for every image.</source>
        <translation>手头的受害模型会就每幅图像回答它是否针对自己：指认更可靠，而且交出新模型的文件就能加入它。代价是每幅图像要对每个受害模型进行四次前向传播和三次梯度计算。</translation>
    </message>
    <message>
        <source>The name has small letters, digits, dots and dashes, at most 64.</source>
        <translation>名称只能包含小写字母、数字、点和连字符，最多 64 个字符。</translation>
    </message>
    <message>
        <source>There is a run in this folder already: the same choices go on with it.</source>
        <translation>此文件夹中已有一次运行：相同的选择将继续它。</translation>
    </message>
    <message>
        <source>This network does not estimate the perturbation by pixel, about which victims are asked.</source>
        <translation>该网络不按像素估计扰动，而询问受害模型正需要它。</translation>
    </message>
    <message>
        <source>The pack to start from asks its victims, and goes on doing so.</source>
        <translation>起始模型包会询问其受害模型，新包仍将如此。</translation>
    </message>
    <message>
        <source>New to {pack}: {labels}.</source>
        <translation>对 {pack} 来说是新的：{labels}。</translation>
    </message>
    <message>
        <source>Nothing is new to {pack}: go back and add a victim or an attack.</source>
        <translation>对 {pack} 来说没有新内容：请返回并添加一个受害模型或一种攻击。</translation>
    </message>
    <message>
        <source>{path} is no folder. Choose another.</source>
        <translation>{path} 不是文件夹。请另选一个。</translation>
    </message>
    <message>
        <source>{path} may not be written to. Choose another folder.</source>
        <translation>{path} 不可写。请另选一个文件夹。</translation>
    </message>
    <message>
        <source>Another training, with other choices, is under way in {folder}. Choose another name or folder, or wait until it has ended.</source>
        <translation>{folder} 中正在进行另一项选择不同的训练。请换一个名称或文件夹，或等它结束。</translation>
    </message>
</context>
<context>
    <name>Opening</name>
    <message>
        <source>A case holds files only. Save the image first, and open it.</source>
        <translation>案卷只收文件。请先保存图像，再打开它。</translation>
    </message>
    <message>
        <source>Looking for images</source>
        <translation>正在查找图像</translation>
    </message>
    <message>
        <source>{n} files were found for what was open before, and are not opened here. Open them again.</source>
        <translation>有 {n} 个文件是为之前打开的内容查找的，因此没有在这里打开。请重新打开它们。</translation>
    </message>
    <message>
        <source>Left out, hidden, linked or of no image type that is read: {kinds}</source>
        <translation>已略过（隐藏、链接或不是可读取的图像类型）：{kinds}</translation>
    </message>
    <message>
        <source>without a suffix</source>
        <translation>个无后缀</translation>
    </message>
    <message>
        <source>of other kinds</source>
        <translation>个其他类型</translation>
    </message>
</context>
<context>
    <name>OwnVictimDialog</name>
    <message>
        <source>A victim of your own</source>
        <translation>自己的受害模型</translation>
    </message>
    <message>
        <source>A state dict of one of torchvision&apos;s networks, TorchScript, torch.export (.pt2), ONNX, or a victim that was trained here. Files that would run code of their own are refused. What you leave open is read from the file, and a check on the clean images says what may be wrong.</source>
        <translation>torchvision 网络的 state dict、TorchScript、torch.export（.pt2）、ONNX，或在此训练过的受害模型。会运行自身代码的文件将被拒绝。未填写的内容从文件读取；在干净图像上的检查会指出可能的问题。</translation>
    </message>
    <message>
        <source>This victim was checked and does its work, and is not taken yet.</source>
        <translation>这个受害模型已检查通过，但尚未采用。</translation>
    </message>
    <message>
        <source>Leave it out</source>
        <translation>不采用</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>torchvision&apos;s name</source>
        <translation>torchvision 中的名称</translation>
    </message>
    <message>
        <source>Only for a state dict. Programs and victims trained here need none.</source>
        <translation>仅用于 state dict。程序形式的模型和在此训练的受害模型无需填写。</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>as the images</source>
        <translation>与图像相同</translation>
    </message>
    <message>
        <source>Input size</source>
        <translation>输入尺寸</translation>
    </message>
    <message>
        <source>BGR channels</source>
        <translation>BGR 通道</translation>
    </message>
    <message>
        <source>Scaling of the values</source>
        <translation>取值范围</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>ImageNet&apos;s</source>
        <translation>ImageNet 的</translation>
    </message>
    <message>
        <source>Mean</source>
        <translation>均值</translation>
    </message>
    <message>
        <source>Standard deviation</source>
        <translation>标准差</translation>
    </message>
    <message>
        <source>the images&apos; own, in their order</source>
        <translation>图像自身的类别，按其顺序</translation>
    </message>
    <message>
        <source>The victim&apos;s number (from 0) of each class of the images, or the names of all of its classes in order.</source>
        <translation>图像各类别在受害模型中的编号（从 0 起），或按顺序列出其全部类别的名称。</translation>
    </message>
    <message>
        <source>Names from a file…</source>
        <translation>从文件读取名称…</translation>
    </message>
    <message>
        <source>Classes</source>
        <translation>类别</translation>
    </message>
    <message>
        <source>Victims ({pattern});;All files (*)</source>
        <translation>受害模型 ({pattern});;所有文件 (*)</translation>
    </message>
    <message>
        <source>The victim&apos;s file</source>
        <translation>受害模型文件</translation>
    </message>
    <message>
        <source>One class name on each line, in the victim&apos;s order</source>
        <translation>每行一个类别名称，按受害模型的顺序</translation>
    </message>
    <message>
        <source>{path} cannot be read: {reason}</source>
        <translation>无法读取 {path}：{reason}</translation>
    </message>
    <message>
        <source>Mean and standard deviation are numbers: {reason}</source>
        <translation>均值和标准差应为数字：{reason}</translation>
    </message>
</context>
<context>
    <name>PackGuide</name>
    <message>
        <source>Images of another kind than {pack} is made for, whose answers may tell nothing: {n} of {m} that were looked at. {others} is made for them: open them by themselves.</source>
        <translation>在抽查的 {m} 幅图像中，有 {n} 幅与模型包 {pack} 所针对的图像不同，其结果可能没有意义。{others} 适用于这类图像：请单独打开它们。</translation>
    </message>
    <message>
        <source>The pack {pack} is made for such images ({kind}), and {other}, which judges this case, is not. Close the case to use {pack}.</source>
        <translation>模型包 {pack} 针对此类图像（{kind}），而判断此案卷的 {other} 不是。要使用 {pack}，请先关闭案卷。</translation>
    </message>
    <message>
        <source>The pack {pack} is now in use: it is made for such images ({kind}), and {other} is not.</source>
        <translation>已改用模型包 {pack}：它针对此类图像（{kind}），而 {other} 不是。</translation>
    </message>
    <message>
        <source>The pack {pack} is made for such images ({kind}), and {other}, which is in use, is not. With {pack} everything in the list is judged again.</source>
        <translation>模型包 {pack} 针对此类图像（{kind}），而正在使用的 {other} 不是。改用 {pack} 后，列表中的全部图像将重新归因。</translation>
    </message>
    <message>
        <source>grey</source>
        <translation>灰度</translation>
    </message>
    <message>
        <source>colour</source>
        <translation>彩色</translation>
    </message>
</context>
<context>
    <name>PackPage</name>
    <message>
        <source>Pack</source>
        <translation>模型包</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Made</source>
        <translation>制作时间</translation>
    </message>
    <message>
        <source>Image</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>Attacks it can name</source>
        <translation>可识别的攻击</translation>
    </message>
    <message>
        <source>Victims it can name</source>
        <translation>可识别的受害模型</translation>
    </message>
    <message>
        <source>Measured results</source>
        <translation>实测结果</translation>
    </message>
    <message>
        <source>AUROC {auroc}; said to look as 1 % of clean images at most: {found} of attacked ones, {alarms} of clean ones</source>
        <translation>AUROC {auroc}；被称为“至多 1 % 的干净图像如此”的：受攻击图像 {found}，干净图像 {alarms}</translation>
    </message>
    <message>
        <source>calibrated apart, on images changed after the attack</source>
        <translation>单独校准，所用图像在受攻击后经过改动</translation>
    </message>
    <message>
        <source>attack</source>
        <translation>攻击</translation>
    </message>
    <message>
        <source>victim</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>RMSE</source>
        <translation>RMSE</translation>
    </message>
    <message>
        <source>by the image</source>
        <translation>仅凭图像</translation>
    </message>
    <message>
        <source>victims asked</source>
        <translation>询问受害模型</translation>
    </message>
    <message>
        <source>images</source>
        <translation>图像数</translation>
    </message>
    <message>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Calibration</source>
        <translation>校准</translation>
    </message>
    <message>
        <source>unfamiliar, as changed after the attack</source>
        <translation>不熟悉（受攻击后经过改动）</translation>
    </message>
    <message>
        <source>attack {attack}, victim {victim}</source>
        <translation>攻击 {attack}，受害模型 {victim}</translation>
    </message>
    <message>
        <source>{examples} examples, {epochs} epochs, {parameters} parameters</source>
        <translation>{examples} 个样本，{epochs} 轮，{parameters} 个参数</translation>
    </message>
    <message>
        <source>; asked: </source>
        <translation>；询问后：</translation>
    </message>
    <message>
        <source>Asked as a closed set</source>
        <translation>作为封闭集合询问</translation>
    </message>
    <message>
        <source>Attacked told from clean</source>
        <translation>受攻击与干净的区分</translation>
    </message>
    <message>
        <source>Calibration error (ECE)</source>
        <translation>校准误差（ECE）</translation>
    </message>
    <message>
        <source>Called familiar</source>
        <translation>判为熟悉</translation>
    </message>
    <message>
        <source>Heatmap&apos;s correlation with the perturbation</source>
        <translation>热图与扰动的相关系数</translation>
    </message>
    <message>
        <source>Trained on</source>
        <translation>训练规模</translation>
    </message>
    <message>
        <source>not calibrated</source>
        <translation>未校准</translation>
    </message>
    <message>
        <source>Temperature, attack</source>
        <translation>温度，攻击</translation>
    </message>
    <message>
        <source>Temperature, victim</source>
        <translation>温度，受害模型</translation>
    </message>
    <message>
        <source>Coverages</source>
        <translation>覆盖率</translation>
    </message>
    <message>
        <source>Familiarity threshold</source>
        <translation>熟悉度阈值</translation>
    </message>
    <message>
        <source>Unfamiliar images</source>
        <translation>不熟悉的图像</translation>
    </message>
</context>
<context>
    <name>PacksDialog</name>
    <message>
        <source>Model packs</source>
        <translation>模型包</translation>
    </message>
    <message>
        <source>About the chosen pack</source>
        <translation>所选模型包的信息</translation>
    </message>
    <message>
        <source>Use this pack</source>
        <translation>使用此模型包</translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>校验</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>导入…</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>A case keeps to its pack. Close it to use another.</source>
        <translation>案卷只使用自己的模型包。要使用另一个，请先关闭案卷。</translation>
    </message>
    <message>
        <source>There is no pack. Import one, or drop a pack file here.</source>
        <translation>没有模型包。请导入，或将模型包文件拖到此处。</translation>
    </message>
    <message>
        <source>Verifying…</source>
        <translation>正在校验…</translation>
    </message>
    <message>
        <source>Model packs ({pattern})</source>
        <translation>模型包 ({pattern})</translation>
    </message>
    <message>
        <source>Import pack</source>
        <translation>导入模型包</translation>
    </message>
    <message>
        <source>{name} was verified and imported.</source>
        <translation>{name} 已通过校验并导入。</translation>
    </message>
    <message>
        <source>Export pack</source>
        <translation>导出模型包</translation>
    </message>
    <message>
        <source>{name} cannot be moved to the trash. Deleted, it is gone for good.</source>
        <translation>{name} 无法移到回收站。删除后无法恢复。</translation>
    </message>
    <message>
        <source>Delete it</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>The pack was exported.</source>
        <translation>模型包已导出。</translation>
    </message>
    <message>
        <source>The pack was removed.</source>
        <translation>模型包已删除。</translation>
    </message>
    <message>
        <source>The pack was moved to the trash.</source>
        <translation>模型包已移到回收站。</translation>
    </message>
</context>
<context>
    <name>Page</name>
    <message>
        <source>Remark</source>
        <translation>备注</translation>
    </message>
</context>
<context>
    <name>Palette</name>
    <message>
        <source>Command palette</source>
        <translation>命令面板</translation>
    </message>
    <message>
        <source>Type a command</source>
        <translation>输入命令</translation>
    </message>
    <message>
        <source>Search commands</source>
        <translation>搜索命令</translation>
    </message>
    <message>
        <source>Commands found</source>
        <translation>找到的命令</translation>
    </message>
</context>
<context>
    <name>PaneGrid</name>
    <message>
        <source>What pane {n} shows</source>
        <translation>窗格 {n} 的内容</translation>
    </message>
    <message>
        <source>Pane {n}</source>
        <translation>窗格 {n}</translation>
    </message>
    <message>
        <source>Image</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>Heatmap</source>
        <translation>热图</translation>
    </message>
    <message>
        <source>Estimated perturbation</source>
        <translation>估计的扰动</translation>
    </message>
    <message>
        <source>Difference to second image</source>
        <translation>与第二幅图像的差异</translation>
    </message>
</context>
<context>
    <name>Preferences</name>
    <message>
        <source>Preferences</source>
        <translation>首选项</translation>
    </message>
    <message>
        <source>Set everything in this dialog back to its default?</source>
        <translation>要将此对话框中的所有设置恢复为默认值吗？</translation>
    </message>
    <message>
        <source>Restore defaults</source>
        <translation>恢复默认值</translation>
    </message>
</context>
<context>
    <name>ProposalBar</name>
    <message>
        <source>Proposal of another pack</source>
        <translation>改用其他模型包的建议</translation>
    </message>
    <message>
        <source>&amp;Use {pack}</source>
        <translation>改用 {pack}(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Keep {pack}</source>
        <translation>保留 {pack}(&amp;K)</translation>
    </message>
</context>
<context>
    <name>Reading</name>
    <message>
        <source>Help</source>
        <translation>帮助</translation>
    </message>
    <message>
        <source>Tells who made an adversarial image: which attack, against which model, with which hyperparameter, how sure that is, and where the perturbation lies.</source>
        <translation>判断对抗图像的来源：使用了哪种攻击、针对哪个模型、采用什么超参数、把握有多大，以及扰动位于何处。</translation>
    </message>
    <message>
        <source>The method is MTAA (arXiv 2302.14059). Licence: MIT.</source>
        <translation>方法为 MTAA（arXiv 2302.14059）。许可证：MIT。</translation>
    </message>
    <message>
        <source>About MTAA Workbench</source>
        <translation>关于 MTAA Workbench</translation>
    </message>
    <message>
        <source>Log of the case</source>
        <translation>案卷日志</translation>
    </message>
    <message>
        <source>Messages</source>
        <translation>消息</translation>
    </message>
    <message>
        <source>Nothing has been said yet.</source>
        <translation>还没有任何消息。</translation>
    </message>
    <message>
        <source>Changed since they were judged: {n}</source>
        <translation>判定之后有改动：{n}</translation>
    </message>
    <message>
        <source>Gone: {n}</source>
        <translation>已不存在：{n}</translation>
    </message>
    <message>
        <source>Not readable now: {n}</source>
        <translation>现在无法读取：{n}</translation>
    </message>
    <message>
        <source>Unchanged: {n}</source>
        <translation>未改动：{n}</translation>
    </message>
    <message>
        <source>Never read, so that there is no hash to compare with: {n}</source>
        <translation>从未读取，因此没有可比对的哈希值：{n}</translation>
    </message>
    <message>
        <source>On other computers, not opened for this case by you: {n}</source>
        <translation>位于其他计算机上，且不是由您为此案卷打开的：{n}</translation>
    </message>
    <message>
        <source>Every file that could be compared is as it was judged.</source>
        <translation>所有能比对的文件都与判定时一致。</translation>
    </message>
    <message>
        <source>Not every file is as it was judged.</source>
        <translation>并非所有文件都与判定时一致。</translation>
    </message>
    <message>
        <source>The log of the case keeps these numbers.</source>
        <translation>案卷日志会保存这些数字。</translation>
    </message>
    <message>
        <source>Files of the case</source>
        <translation>案卷的文件</translation>
    </message>
    <message>
        <source>Nothing has been logged yet.</source>
        <translation>尚无日志。</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Copy all</source>
        <translation>全部复制</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
</context>
<context>
    <name>ReferenceBar</name>
    <message>
        <source>Known clean images</source>
        <translation>已知的干净图像</translation>
    </message>
    <message>
        <source>F&amp;orget</source>
        <translation>取消(&amp;O)</translation>
    </message>
    <message>
        <source>A case keeps to the known clean images that it began with, or to none. Close it to change them.</source>
        <translation>案卷始终使用它开始时的已知干净图像，或不使用任何已知的干净图像。要更换，请先关闭案卷。</translation>
    </message>
    <message>
        <source>Told beside 1 known clean image, which looks attacked to the pack.</source>
        <translation>对照 1 幅已知的干净图像：在模型包看来，它像受到了攻击。</translation>
    </message>
    <message>
        <source>Told beside 1 known clean image, which looks clean to the pack.</source>
        <translation>对照 1 幅已知的干净图像：在模型包看来，它是干净的。</translation>
    </message>
    <message>
        <source>Told beside {n} known clean images: none of them looks attacked to the pack.</source>
        <translation>对照 {n} 幅已知的干净图像：在模型包看来，没有一幅像受到了攻击。</translation>
    </message>
    <message>
        <source>Told beside {n} known clean images: 1 of them looks attacked to the pack.</source>
        <translation>对照 {n} 幅已知的干净图像：在模型包看来，其中 1 幅像受到了攻击。</translation>
    </message>
    <message>
        <source>Told beside {n} known clean images: {k} of them look attacked to the pack.</source>
        <translation>对照 {n} 幅已知的干净图像：在模型包看来，其中 {k} 幅像受到了攻击。</translation>
    </message>
    <message>
        <source>Clean images of another camera, scanner or program may look attacked to the pack. So it is counted how many of those that are known look at least as attacked as an image; what the pack says of it stays as it is. Beside {n} of them no share under {least} can be told: 19 are needed for 5 %, 99 for 1 %. Choose them whatever the pack says of them, or the share is not true.</source>
        <translation>出自其他相机、扫描仪或程序的干净图像，在模型包看来可能像受到了攻击。因此统计已知的干净图像中有多少幅看起来至少与所判断的图像同样像受攻击；模型包自己的判断不变。对照 {n} 幅时，无法得出小于 {least} 的比例：得出 5 % 需要 19 幅，1 % 需要 99 幅。选取它们时不要看模型包怎么说，否则比例不真实。</translation>
    </message>
</context>
<context>
    <name>RemarkPanel</name>
    <message>
        <source>Tag</source>
        <translation>标签</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>备注</translation>
    </message>
    <message>
        <source>Note on this image</source>
        <translation>对此图像的备注</translation>
    </message>
    <message>
        <source>Different tags</source>
        <translation>标签不同</translation>
    </message>
    <message>
        <source>Tag of the {n} selected images</source>
        <translation>所选 {n} 幅图像的标签</translation>
    </message>
    <message>
        <source>Tag and note</source>
        <translation>标签和备注</translation>
    </message>
</context>
<context>
    <name>ResultsPage</name>
    <message>
        <source>Results</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Measured on images that neither the victims nor the network saw in training. All of it stays in the pack, and Model packs… shows it again.</source>
        <translation>在受害模型和网络训练时都未见过的图像上测得。全部结果保存在模型包中，可在“模型包…”中再次查看。</translation>
    </message>
    <message>
        <source>Attribute images with this pack from now on</source>
        <translation>从现在起用此模型包归因图像</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>摘要</translation>
    </message>
    <message>
        <source>Confusions</source>
        <translation>混淆</translation>
    </message>
    <message>
        <source>Hyperparameter</source>
        <translation>超参数</translation>
    </message>
    <message>
        <source>Doubt</source>
        <translation>不确定性</translation>
    </message>
    <message>
        <source>Features</source>
        <translation>特征</translation>
    </message>
    <message>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>the image alone</source>
        <translation>仅凭图像</translation>
    </message>
    <message>
        <source>the victims alone</source>
        <translation>仅凭受害模型</translation>
    </message>
    <message>
        <source>both</source>
        <translation>两者结合</translation>
    </message>
    <message>
        <source>told by, for attacked test examples</source>
        <translation>判断依据（受攻击的测试样本）</translation>
    </message>
    <message>
        <source>test examples</source>
        <translation>测试样本</translation>
    </message>
    <message>
        <source>number</source>
        <translation>数量</translation>
    </message>
    <message>
        <source>attack named</source>
        <translation>攻击识别率</translation>
    </message>
    <message>
        <source>victim named</source>
        <translation>受害模型识别率</translation>
    </message>
    <message>
        <source>RMSE, Table 1&apos;s scale</source>
        <translation>RMSE（表 1 尺度）</translation>
    </message>
    <message>
        <source>⚠ {attack}&apos;s hyperparameter is hardly read from the image (R² {r2}).</source>
        <translation>⚠ 几乎无法从图像读出 {attack} 的超参数（R² {r2}）。</translation>
    </message>
    <message>
        <source>⚠ Few training examples ({n}): more of each cell would make it better.</source>
        <translation>⚠ 训练样本较少（{n}）：增加每个单元的样本会更好。</translation>
    </message>
    <message>
        <source>Expected calibration error: attack {a}, victim {v}.</source>
        <translation>期望校准误差：攻击 {a}，受害模型 {v}。</translation>
    </message>
    <message>
        <source>Changed after the attack and unfamiliar then: attack named in {a} and victim in {v} of {n} test examples.</source>
        <translation>受攻击后经改动且因此不熟悉的 {n} 个测试样本：攻击判对 {a}，受害模型判对 {v}。</translation>
    </message>
    <message>
        <source>Not ticked, for this pack is hardly better than guessing: of the attacked test images it names the attack in {attack} and the victim in {victim}; guessing would in {a} and {v}.</source>
        <translation>未勾选，因为此模型包几乎不比猜测好：在受攻击的测试图像中，它说对攻击的占 {attack}，说对受害模型的占 {victim}；凭猜测为 {a} 和 {v}。</translation>
    </message>
    <message>
        <source>⚠ {a} and {b} are taken for each other in {share} of their images: {worse} is named right in {right} of its test images, taken for {other} in {wrong}.</source>
        <translation>⚠ {a} 与 {b} 在其 {share} 的图像上相互混淆：{worse} 的测试图像中被正确识别的占 {right}，被当成 {other} 的占 {wrong}。</translation>
    </message>
    <message>
        <source>⚠ With its victims asked the pack tells {what} less well than from the image alone. Tools, Victims to ask leaves them out.</source>
        <translation>⚠ 询问受害模型后，该模型包对{what}的判断反而不如仅凭图像。可在“工具 › 要询问的受害模型”中不再询问它们。</translation>
    </message>
    <message>
        <source>the victim</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>the hyperparameter</source>
        <translation>超参数</translation>
    </message>
    <message>
        <source>Trained on from {pack}.</source>
        <translation>由 {pack} 继续训练。</translation>
    </message>
    <message>
        <source>On the labels that {pack} knows: attack {oa} → {na}, victim {ov} → {nv}, RMSE {oe} → {ne}.</source>
        <translation>在 {pack} 已知的标签上：攻击 {oa} → {na}，受害模型 {ov} → {nv}，RMSE {oe} → {ne}。</translation>
    </message>
    <message>
        <source>Attack: truth by row, answer by column</source>
        <translation>攻击：行为真实，列为回答</translation>
    </message>
    <message>
        <source>Victim: truth by row, answer by column</source>
        <translation>受害模型：行为真实，列为回答</translation>
    </message>
    <message>
        <source>true value; estimated upwards</source>
        <translation>真实值；纵轴为估计值</translation>
    </message>
    <message>
        <source>Accuracy at each confidence</source>
        <translation>各置信度下的准确率</translation>
    </message>
    <message>
        <source>confidence</source>
        <translation>置信度</translation>
    </message>
    <message>
        <source>Share held at each coverage</source>
        <translation>各覆盖率下的实际覆盖比例</translation>
    </message>
    <message>
        <source>coverage asked for</source>
        <translation>要求的覆盖率</translation>
    </message>
    <message>
        <source>t-SNE of the features, by attack</source>
        <translation>特征的 t-SNE，按攻击</translation>
    </message>
    <message>
        <source>t-SNE of the features, by victim</source>
        <translation>特征的 t-SNE，按受害模型</translation>
    </message>
</context>
<context>
    <name>RunPage</name>
    <message>
        <source>Training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>Victims, examples and network are made one after the other. You may pause, stop and come back: what is finished is not done again.</source>
        <translation>依次生成受害模型、样本和网络。可以暂停、停止并返回：已完成的部分不会重做。</translation>
    </message>
    <message>
        <source>Losses</source>
        <translation>损失</translation>
    </message>
    <message>
        <source>epoch</source>
        <translation>轮</translation>
    </message>
    <message>
        <source>Learned σ</source>
        <translation>学习到的 σ</translation>
    </message>
    <message>
        <source>Accuracy while training</source>
        <translation>训练中的准确率</translation>
    </message>
    <message>
        <source>RMSE by attack, own units</source>
        <translation>各攻击的 RMSE（各自单位）</translation>
    </message>
    <message>
        <source>What happened</source>
        <translation>运行记录</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>This run was stopped. It can go on.</source>
        <translation>此运行已停止，可以继续。</translation>
    </message>
    <message>
        <source>{n} images were taken in.</source>
        <translation>已读入 {n} 张图像。</translation>
    </message>
    <message>
        <source>{n} cannot be read and are left out: {reason}</source>
        <translation>有 {n} 张无法读取，已略去：{reason}</translation>
    </message>
    <message>
        <source>{name}: what it calls a clean image counts as right.</source>
        <translation>{name}：它对干净图像的判断即视为正确。</translation>
    </message>
    <message>
        <source>{name} names {share} of the clean test images.</source>
        <translation>{name} 正确识别 {share} 的干净测试图像。</translation>
    </message>
    <message>
        <source>{n} adversarial examples were made.</source>
        <translation>已生成 {n} 个对抗样本。</translation>
    </message>
    <message>
        <source>{n} cells are not full: {cells}</source>
        <translation>{n} 个单元未填满：{cells}</translation>
    </message>
    <message>
        <source>The memory holds {n} images at once; batches go through in parts.</source>
        <translation>内存一次只容纳 {n} 幅图像；批次将分部分处理。</translation>
    </message>
    <message>
        <source>{name} is little better than guessing: attacks on it are hardly attacks. Stop, and begin again in another folder with more passes for it.</source>
        <translation>{name} 比随机猜测好不了多少：对它的攻击几乎算不上攻击。请停止，换一个文件夹，增加它的训练遍数后重新开始。</translation>
    </message>
    <message>
        <source>Stopping after the batch in hand…</source>
        <translation>将在当前批次后停止…</translation>
    </message>
    <message>
        <source>Finished.</source>
        <translation>已完成。</translation>
    </message>
    <message>
        <source>Stopped. It goes on from here whenever you like.</source>
        <translation>已停止。可随时从这里继续。</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>恢复</translation>
    </message>
</context>
<context>
    <name>RunProgress</name>
    <message>
        <source>Progress of this stage</source>
        <translation>本阶段进度</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>All stages are done.</source>
        <translation>所有阶段均已完成。</translation>
    </message>
    <message>
        <source>Stage {n} of {count}: {what}</source>
        <translation>第 {n} 阶段，共 {count} 个：{what}</translation>
    </message>
    <message>
        <source>About {span} left in all</source>
        <translation>总共约剩 {span}</translation>
    </message>
    <message>
        <source>{n} a second</source>
        <translation>每秒 {n} 幅</translation>
    </message>
    <message>
        <source>{time} left of this step</source>
        <translation>本步剩余 {time}</translation>
    </message>
    <message>
        <source>Looking through the images…</source>
        <translation>正在查看图像…</translation>
    </message>
    <message>
        <source>Measuring the victim on the clean test images…</source>
        <translation>正在用干净的测试图像测量受害模型…</translation>
    </message>
    <message>
        <source>Looking for clean images that can be attacked…</source>
        <translation>正在寻找可供攻击的干净图像…</translation>
    </message>
    <message>
        <source>Reading the examples…</source>
        <translation>正在读取样本…</translation>
    </message>
    <message>
        <source>Getting ready to measure the network…</source>
        <translation>正在准备测量网络…</translation>
    </message>
    <message>
        <source>Drawing up the results…</source>
        <translation>正在整理结果…</translation>
    </message>
    <message>
        <source>Calibrating and writing the pack…</source>
        <translation>正在校准并写入模型包…</translation>
    </message>
    <message>
        <source>Asking the victims…</source>
        <translation>正在询问受害模型…</translation>
    </message>
    <message>
        <source>taking the images in</source>
        <translation>读入图像</translation>
    </message>
    <message>
        <source>victims</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>examples</source>
        <translation>样本</translation>
    </message>
    <message>
        <source>training</source>
        <translation>训练</translation>
    </message>
    <message>
        <source>results</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Training the network</source>
        <translation>正在训练网络</translation>
    </message>
    <message>
        <source>Measuring the pack</source>
        <translation>正在测量模型包</translation>
    </message>
    <message>
        <source>Training the auto-encoder</source>
        <translation>正在训练自编码器</translation>
    </message>
    <message>
        <source>Reading images</source>
        <translation>正在读取图像</translation>
    </message>
    <message>
        <source>Learning from the victims&apos; answers</source>
        <translation>正在从受害模型的回答中学习</translation>
    </message>
    <message>
        <source>Asking {name}</source>
        <translation>正在询问 {name}</translation>
    </message>
    <message>
        <source>Training {name}</source>
        <translation>正在训练 {name}</translation>
    </message>
    <message>
        <source>Checking {name}</source>
        <translation>正在检查 {name}</translation>
    </message>
    <message>
        <source>to train with</source>
        <translation>用于训练</translation>
    </message>
    <message>
        <source>to calibrate with</source>
        <translation>用于校准</translation>
    </message>
    <message>
        <source>to measure with</source>
        <translation>用于测量</translation>
    </message>
    <message>
        <source>{attack} against {victim}, {use}</source>
        <translation>{attack} 攻击 {victim}，{use}</translation>
    </message>
</context>
<context>
    <name>Samples</name>
    <message>
        <source>Sample images</source>
        <translation>示例图像</translation>
    </message>
    <message>
        <source>{n} samples</source>
        <translation>{n} 张示例</translation>
    </message>
</context>
<context>
    <name>Sentence</name>
    <message>
        <source>{coverage} interval {low} to {high}</source>
        <translation>{coverage} 区间 {low} 至 {high}</translation>
    </message>
    <message>
        <source>The {coverage} set holds {set} alone</source>
        <translation>{coverage} 候选集中只有 {set}</translation>
    </message>
    <message>
        <source>Entropy {entropy} of {most} bits   ·   task σ {sigma}</source>
        <translation>熵 {entropy} / {most} 比特   ·   任务 σ {sigma}</translation>
    </message>
    <message>
        <source>{end} (the pack&apos;s limit)</source>
        <translation>{end}（模型包的范围边界）</translation>
    </message>
    <message>
        <source>The {coverage} set rules out no label</source>
        <translation>{coverage} 候选集没有排除任何标签</translation>
    </message>
    <message>
        <source>The {coverage} set holds {set}</source>
        <translation>{coverage} 候选集包括 {set}</translation>
    </message>
    <message>
        <source>At most {share} of clean images like the pack&apos;s look at least as attacked.</source>
        <translation>与模型包同类的干净图像中，至多 {share} 看起来至少同样像受攻击。</translation>
    </message>
    <message>
        <source>{before} of {others} other victims see in the image what it was before, {alike} see what {victim} sees.</source>
        <translation>被询问的其他模型（{others} 个）中，{before} 个在图像中看到的是它原来的类别，{alike} 个看到的与 {victim} 相同。</translation>
    </message>
    <message>
        <source>{before} of {others} other victims see in the image what it can have been before, {alike} see what {victim} sees.</source>
        <translation>被询问的其他模型（{others} 个）中，{before} 个在图像中看到的是它可能的原来类别，{alike} 个看到的与 {victim} 相同。</translation>
    </message>
    <message>
        <source>Its gradient&apos;s signs agree with that perturbation at {match} (-1 to 1).</source>
        <translation>其梯度符号与该扰动的一致性为 {match}（-1 到 1）。</translation>
    </message>
    <message>
        <source>Such answers tell nothing either way.</source>
        <translation>这样的回答对两种情况都没有区分作用。</translation>
    </message>
    <message>
        <source>Such answers are {times} times as probable if it is the victim as if it is not.</source>
        <translation>假定它是受害模型，出现这样的回答的概率，是假定它不是时的 {times} 倍。</translation>
    </message>
    <message>
        <source>Such answers are {times} times as probable if it is not the victim as if it is.</source>
        <translation>假定它不是受害模型，出现这样的回答的概率，是假定它是时的 {times} 倍。</translation>
    </message>
    <message>
        <source>less than 0.1</source>
        <translation>不到 0.1</translation>
    </message>
    <message>
        <source>more than 1,000</source>
        <translation>1,000 以上</translation>
    </message>
    <message>
        <source>For the image {name} (SHA-256 {sha}) the model pack {pack} holds “{attack}” to be likeliest ({p}), and next {next} ({after}). That is no proof that it was not attacked.</source>
        <translation>对图像 {name}（SHA-256 {sha}），模型包 {pack} 认为“{attack}”的可能性最大（{p}），其次是 {next}（{after}）。这不能证明图像未受攻击。</translation>
    </message>
    <message>
        <source>The image {name} (SHA-256 {sha}) was, by the model pack {pack}, most probably made with the attack {attack} ({p}), likeliest against a model that is none of the candidates ({q}), with {value} ({interval}, if the attack is {attack}).</source>
        <translation>根据模型包 {pack}，图像 {name}（SHA-256 {sha}）最可能由攻击 {attack} 生成（{p}）；受害模型最可能不在候选之列（{q}）；{value}（{interval}，假定攻击为 {attack}）。</translation>
    </message>
    <message>
        <source>The image {name} (SHA-256 {sha}) was, by the model pack {pack}, most probably made with the attack {attack} ({p}) against the model {victim} ({q}), with {value} ({interval}, if the attack is {attack}).</source>
        <translation>根据模型包 {pack}，图像 {name}（SHA-256 {sha}）最可能由攻击 {attack}（{p}）针对模型 {victim}（{q}）生成，{value}（{interval}，假定攻击为 {attack}）。</translation>
    </message>
    <message>
        <source>Attack: {attack}. Victim: {victim}.</source>
        <translation>攻击：{attack}。受害模型：{victim}。</translation>
    </message>
    <message>
        <source>Lossy file ({kind}): saving it threw part of the perturbation away. The victim and the hyperparameter suffer most.</source>
        <translation>有损文件（{kind}）：保存时丢失了部分扰动，受害模型和超参数的判断受影响最大。</translation>
    </message>
    <message>
        <source>Resized from {old} to {new}: the pack judges images at the size at which they were attacked. Trust this answer less.</source>
        <translation>由 {old} 缩放为 {new}：模型包按图像受攻击时的尺寸作出判断，此结果的可信度较低。</translation>
    </message>
    <message>
        <source>One of the known clean images.</source>
        <translation>属于已知的干净图像。</translation>
    </message>
    <message>
        <source>The one known clean image looks at least as attacked.</source>
        <translation>唯一的已知干净图像看起来至少同样像受攻击。</translation>
    </message>
    <message>
        <source>The one known clean image looks less attacked.</source>
        <translation>唯一的已知干净图像看起来不那么像受攻击。</translation>
    </message>
    <message>
        <source>None of the {n} known clean images looks at least as attacked.</source>
        <translation>{n} 幅已知的干净图像中，没有一幅看起来至少同样像受攻击。</translation>
    </message>
    <message>
        <source>1 of the {n} known clean images looks at least as attacked.</source>
        <translation>{n} 幅已知的干净图像中，有 1 幅看起来至少同样像受攻击。</translation>
    </message>
    <message>
        <source>{k} of the {n} known clean images look at least as attacked.</source>
        <translation>{n} 幅已知的干净图像中，有 {k} 幅看起来至少同样像受攻击。</translation>
    </message>
    <message>
        <source>It sees {label}.</source>
        <translation>它看到的是{label}。</translation>
    </message>
    <message>
        <source>It sees {label}; {k} of {n} others see what that was before, {before}.</source>
        <translation>它看到的是{label}；其他 {n} 个模型中有 {k} 个看到的是此前的类别{before}。</translation>
    </message>
    <message>
        <source>{victim} sees {label} in the image and another class without the estimated perturbation or after compression; what the image was before{told} is {margin} logits behind.</source>
        <translation>{victim} 在图像中看到{label}，去掉估计的扰动或压缩之后给出另一类别；图像此前所属的类别{told}低 {margin} logit。</translation>
    </message>
    <message>
        <source>{victim} sees {label} in the image and the same without the estimated perturbation; what the image can have been before{told} is {margin} logits behind.</source>
        <translation>{victim} 在图像中看到{label}，去掉估计的扰动之后给出的类别不变；图像此前可能所属的类别{told}低 {margin} logit。</translation>
    </message>
    <message>
        <source>one class</source>
        <translation>某一类别</translation>
    </message>
    <message>
        <source>, {before} as far as can be told,</source>
        <translation>（据所能判断为{before}）</translation>
    </message>
    <message>
        <source>, {before} by its own word alone,</source>
        <translation>（仅凭它自己判断为{before}）</translation>
    </message>
    <message>
        <source>Judged in {count} tiles of {tile}: their answers were put together. How often such answers are right was measured on single images of the pack&apos;s size.</source>
        <translation>分为 {count} 个 {tile} 的图块判断，并合并了各块的结果。此类结果的准确率是在模型包尺寸的单幅图像上测得的。</translation>
    </message>
    <message>
        <source>Judged in {count} tiles of {tile}, spread evenly; {needed} would cover all of the image. How often such answers are right was measured on single images of the pack&apos;s size.</source>
        <translation>判断了均匀分布的 {count} 个 {tile} 的图块；覆盖整幅图像需要 {needed} 个。此类结果的准确率是在模型包尺寸的单幅图像上测得的。</translation>
    </message>
    <message>
        <source>Only the middle of the image was judged: {tile} of {image}.</source>
        <translation>只判断了图像的中央部分：{image} 中的 {tile}。</translation>
    </message>
    <message>
        <source>Judged at its own size of {tile}: the pack was measured on larger images. Trust this answer less.</source>
        <translation>按图像自身的尺寸 {tile} 判断：模型包是在更大的图像上测量的，此结果的可信度较低。</translation>
    </message>
    <message>
        <source>Enlarged from {old} to {new}: on fewer pixels the pack sees too little. Trust this answer less.</source>
        <translation>已从 {old} 放大到 {new}：像素更少时模型包看到的内容太少，此结果的可信度较低。</translation>
    </message>
    <message>
        <source>No victim was asked: they take images of {size}. The image alone was judged.</source>
        <translation>未询问任何受害模型：它们只接受 {size} 的图像。此结果仅依据图像本身。</translation>
    </message>
    <message>
        <source>The victims were shown it scaled to {size}: they know an attack in it better so, as in an enlarged picture or a screenshot.</source>
        <translation>向受害模型展示的是缩放到 {size} 的图像：这样它们更能认出其中的攻击，放大的图片或屏幕截图即是如此。</translation>
    </message>
    <message>
        <source>The victims take images of {size}. Shown this one scaled to that they know no attack in it, which says little of an image that was never scaled. The image alone was judged.</source>
        <translation>受害模型接受 {size} 的图像。把这幅图像缩放到该尺寸后它们没有认出攻击；对从未缩放过的图像这说明不了什么。只根据图像作出判断。</translation>
    </message>
    <message>
        <source>No victim was asked: what one of them says of it is no number. The image alone was judged.</source>
        <translation>未询问任何受害模型：其中一个对此图像给出的不是数值。此结果仅依据图像本身。</translation>
    </message>
    <message>
        <source>No victim was asked: the memory does not hold the whole image. The image alone was judged.</source>
        <translation>未询问任何受害模型：内存容不下整幅图像。此结果仅依据图像本身。</translation>
    </message>
    <message>
        <source>No victim was asked: the image has more than half a megapixel. The image alone was judged.</source>
        <translation>未询问任何受害模型：图像超过五十万像素。此结果仅依据图像本身。</translation>
    </message>
    <message>
        <source>The closed set does not hold for this answer: the image alone was judged.</source>
        <translation>封闭集合不适用于这个回答：只根据图像判断。</translation>
    </message>
    <message>
        <source>Transparency ignored: the colours under it were judged.</source>
        <translation>忽略透明度：判断的是其下的颜色。</translation>
    </message>
    <message>
        <source>Only the first of the {n} pictures in the file was judged.</source>
        <translation>只判断了文件所含 {n} 幅图像中的第一幅。</translation>
    </message>
    <message>
        <source>Judged as stored, not turned as its EXIF says.</source>
        <translation>按存储的方向判断，未按 EXIF 旋转。</translation>
    </message>
    <message>
        <source>Colours converted from {model} to RGB: the levels judged are not the file&apos;s.</source>
        <translation>颜色已从 {model} 转换为 RGB：所判断的数值不是文件中的原值。</translation>
    </message>
    <message>
        <source>16 bits a channel were reduced to 8.</source>
        <translation>每通道 16 位降为 8 位。</translation>
    </message>
    <message>
        <source>Turned to grey: the pack knows grey images only. Trust this answer less.</source>
        <translation>已转为灰度：模型包只认识灰度图像，此结果的可信度较低。</translation>
    </message>
    <message>
        <source>Grey taken as colour: the pack knows colour images only. Trust this answer less.</source>
        <translation>灰度被当作彩色：模型包只认识彩色图像，此结果的可信度较低。</translation>
    </message>
    <message>
        <source>This file was changed since it was judged: the answer is not about the image that it holds now. Image, Attribute again judges that.</source>
        <translation>此文件在判定之后被改动：结果不是针对它现在的图像。“图像”菜单中的“重新归因”会判定现在的图像。</translation>
    </message>
    <message>
        <source>Unfamiliar (score {score}, threshold {threshold}). If this image was compressed, scaled or otherwise changed after an attack that still fools its victim, the doubt told is that of such images. If its kind, attack or victim is none that the pack knows, the answers mean nothing.</source>
        <translation>不熟悉（得分 {score}，阈值 {threshold}）。如果此图像在受攻击之后经过压缩、缩放或其他改动，而攻击仍能骗过受害模型，所给出的不确定度即针对这类图像；如果模型包不认识其图像类型、攻击或受害模型，则结论毫无意义。</translation>
    </message>
    <message>
        <source>Unfamiliar: this image is unlike those that the pack was made for, or was compressed, scaled or otherwise changed after the attack (score {score}, threshold {threshold}). The answers for it may mean nothing.</source>
        <translation>不熟悉：此图像与模型包所针对的图像不同，或在受攻击之后经过压缩、缩放或其他改动（得分 {score}，阈值 {threshold}）。对它的结论可能毫无意义。</translation>
    </message>
    <message>
        <source>Clean or attacked is undecided: “clean” has {p}, which is the likeliest of one task only.</source>
        <translation>是否受到攻击无法判定：“干净”的概率为 {p}，只在其中一项任务中最可能。</translation>
    </message>
    <message>
        <source>Attack and victim contradict each other: one says clean, the other does not. Rely on neither.</source>
        <translation>攻击与受害模型的结论相互矛盾：其一为“clean”（干净），另一则否。二者均不可采用。</translation>
    </message>
    <message>
        <source>No victim was asked: the image alone was judged.</source>
        <translation>未询问任何受害模型：仅根据图像判断。</translation>
    </message>
    <message>
        <source>{symbol} may be smaller: the pack knows none below {end}.</source>
        <translation>{symbol} 可能更小：模型包不认识低于 {end} 的值。</translation>
    </message>
    <message>
        <source>{symbol} may be larger: the pack knows none above {end}.</source>
        <translation>{symbol} 可能更大：模型包不认识高于 {end} 的值。</translation>
    </message>
    <message>
        <source>{victim} was not asked: the image alone speaks for it.</source>
        <translation>没有询问 {victim}：只有图像本身指向它。</translation>
    </message>
    <message>
        <source>If it was attacked, its victim was taken to be one of those asked (closed set).</source>
        <translation>已认定：如果图像受到攻击，受害模型是被询问的模型之一（封闭集合）。</translation>
    </message>
    <message>
        <source>Clean: no known attack is seen. An attack that the pack has not learned may look clean too.</source>
        <translation>干净：没有发现已知的攻击。模型包没有学过的攻击也可能看起来是干净的。</translation>
    </message>
</context>
<context>
    <name>Session</name>
    <message>
        <source>The answers of a case are of one pack and the same victims. Close the case to use others.</source>
        <translation>一个案卷的结果均来自同一模型包和同一组受询问的受害模型。要换用其他的，请先关闭案卷。</translation>
    </message>
    <message>
        <source>Stopped: {what}</source>
        <translation>已停止：{what}</translation>
    </message>
    <message>
        <source>The program failed on this. Help, Log says more; Image, Attribute again tries again.</source>
        <translation>程序在此处出错。详情见“帮助 › 日志”；可用“图像 › 重新归因”重试。</translation>
    </message>
</context>
<context>
    <name>Settings</name>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Viewer</source>
        <translation>查看器</translation>
    </message>
    <message>
        <source>Attribution</source>
        <translation>归因</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Heatmap opacity</source>
        <translation>热图不透明度</translation>
    </message>
    <message>
        <source>Gain of signed values</source>
        <translation>有符号值的增益</translation>
    </message>
    <message>
        <source>Factor on the estimated perturbation and on differences</source>
        <translation>估计的扰动和差异的放大倍数</translation>
    </message>
    <message>
        <source>The gain fits each picture</source>
        <translation>增益适合每幅图像</translation>
    </message>
    <message>
        <source>Until another one is set below the picture</source>
        <translation>直到在图像下方设置其他增益</translation>
    </message>
    <message>
        <source>Colour map of the heatmap</source>
        <translation>热图的色图</translation>
    </message>
    <message>
        <source>Colour map of signed values</source>
        <translation>有符号值的色图</translation>
    </message>
    <message>
        <source>Panes</source>
        <translation>窗格</translation>
    </message>
    <message>
        <source>Zoom and pan all panes together</source>
        <translation>所有窗格一起缩放和平移</translation>
    </message>
    <message>
        <source>Coverage</source>
        <translation>覆盖率</translation>
    </message>
    <message>
        <source>How often prediction sets and intervals shall hold the truth</source>
        <translation>预测集与区间应包含真值的频率</translation>
    </message>
    <message>
        <source>Folders are opened with their subfolders</source>
        <translation>打开文件夹时包含子文件夹</translation>
    </message>
    <message>
        <source>Recent files to remember</source>
        <translation>记住的最近文件数</translation>
    </message>
</context>
<context>
    <name>StatusBar</name>
    <message>
        <source>Waiting images</source>
        <translation>等待的图像</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Stand still after the images in hand; pressed again it goes on</source>
        <translation>处理完手头的图像后暂停；再按一次继续</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Stop attributing; what is judged stays</source>
        <translation>停止归因；已有结果保留</translation>
    </message>
    <message>
        <source>Model pack</source>
        <translation>模型包</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Memory in use</source>
        <translation>内存占用</translation>
    </message>
    <message>
        <source>Pack {name}</source>
        <translation>模型包 {name}</translation>
    </message>
    <message>
        <source>{n} waiting</source>
        <translation>{n} 幅等待</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>{n} a second</source>
        <translation>每秒 {n} 幅</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>正在启动</translation>
    </message>
    <message>
        <source>Loading the pack</source>
        <translation>正在加载模型包</translation>
    </message>
    <message>
        <source>No pack in use</source>
        <translation>没有可用的模型包</translation>
    </message>
    <message>
        <source>{n} MB</source>
        <translation>{n} MB</translation>
    </message>
</context>
<context>
    <name>Submenus</name>
    <message>
        <source>Open recent</source>
        <translation>最近打开</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Clear list</source>
        <translation>清空列表</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
</context>
<context>
    <name>TrainingWizard</name>
    <message>
        <source>Train a model</source>
        <translation>训练模型</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>This training cannot be read: {reason}</source>
        <translation>无法读取此训练：{reason}</translation>
    </message>
    <message>
        <source>The best there is</source>
        <translation>最佳可用设备</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>Saving…</source>
        <translation>正在保存…</translation>
    </message>
    <message>
        <source>The training is under way</source>
        <translation>训练正在进行</translation>
    </message>
    <message>
        <source>Shall the training go on without this window?</source>
        <translation>关闭此窗口后训练是否继续？</translation>
    </message>
    <message>
        <source>Either way you can come back to it, and nothing that is finished is lost.</source>
        <translation>无论如何都可以再回来，已完成的内容不会丢失。</translation>
    </message>
    <message>
        <source>Let it go on</source>
        <translation>让它继续</translation>
    </message>
    <message>
        <source>Stop it</source>
        <translation>停止它</translation>
    </message>
</context>
<context>
    <name>Trial</name>
    <message>
        <source>Estimate</source>
        <translation>估计</translation>
    </message>
    <message>
        <source>Estimate by stage</source>
        <translation>各阶段的估计</translation>
    </message>
    <message>
        <source>Stage</source>
        <translation>阶段</translation>
    </message>
    <message>
        <source>Images</source>
        <translation>图像</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>Estimate time and disk</source>
        <translation>估计时间和磁盘</translation>
    </message>
    <message>
        <source>Tries a few batches of everything on this device.</source>
        <translation>在这台设备上把每一步都试几个批次。</translation>
    </message>
    <message>
        <source>Cancel the trial</source>
        <translation>取消试算</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>正在开始…</translation>
    </message>
    <message>
        <source>Trying: {done} of {total}</source>
        <translation>正在试算：{done} / {total}</translation>
    </message>
    <message>
        <source>Victim {name}</source>
        <translation>受害模型 {name}</translation>
    </message>
    <message>
        <source>Examples of {name}</source>
        <translation>{name} 的样本</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>Results</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Asking the victims</source>
        <translation>询问受害模型</translation>
    </message>
    <message>
        <source>Learning from their answers</source>
        <translation>从回答中学习</translation>
    </message>
    <message>
        <source>an unknown amount</source>
        <translation>未知大小</translation>
    </message>
    <message>
        <source>Too little disk: the run takes {needed}, and {free} are free. About {span}.</source>
        <translation>磁盘空间不足：训练需要 {needed}，剩余 {free}。约需 {span}。</translation>
    </message>
    <message>
        <source>About {span}; {needed} of the disk, where {free} are free.</source>
        <translation>约需 {span}；占用磁盘 {needed}，剩余 {free}。</translation>
    </message>
    <message>
        <source>The longer time holds where images resist an attack.</source>
        <translation>图像难以攻击时为较长的时间。</translation>
    </message>
</context>
<context>
    <name>Verifying</name>
    <message>
        <source>Verifying {name}</source>
        <translation>正在核对 {name}</translation>
    </message>
</context>
<context>
    <name>VictimsDialog</name>
    <message>
        <source>Victims to ask</source>
        <translation>要询问的受害模型</translation>
    </message>
    <message>
        <source>A victim at hand is asked about every image: where its decision turns, and whether its gradient matches the perturbation. That says more than the image alone. All of it happens on this machine.</source>
        <translation>对每幅图像，都会询问手头的受害模型：其判断在何处改变，其梯度是否与扰动吻合。这比仅凭图像能说明更多。一切都在本机进行。</translation>
    </message>
    <message>
        <source>Ask the pack&apos;s own victims that are found</source>
        <translation>询问已找到的模型包自带的受害模型</translation>
    </message>
    <message>
        <source>Victims</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>Victim</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>Asked</source>
        <translation>是否询问</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Hand over a victim…</source>
        <translation>提交一个受害模型…</translation>
    </message>
    <message>
        <source>Bring a model of your own…</source>
        <translation>引入您自己的模型…</translation>
    </message>
    <message>
        <source>Take back</source>
        <translation>收回</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>A model is checked on clean images that are cut square, and this pack&apos;s images are not.</source>
        <translation>模型须用裁成正方形的干净图像检查，而该包的图像不是正方形。</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>是</translation>
    </message>
    <message>
        <source>no</source>
        <translation>否</translation>
    </message>
    <message>
        <source>Ruled out in the closed set: {names}.</source>
        <translation>封闭集合中被排除的模型：{names}。</translation>
    </message>
    <message>
        <source>Bring models of your own one at a time, and without victims beside them.</source>
        <translation>请一次只带入一个自己的模型，且不要同时放入受害模型。</translation>
    </message>
    <message>
        <source>Not taken: {names}. {why}</source>
        <translation>未采用：{names}。{why}</translation>
    </message>
    <message>
        <source>This pack judges by the image alone: its scenario had no [probes].</source>
        <translation>此模型包仅凭图像判断：其方案中没有 [probes]。</translation>
    </message>
    <message>
        <source>The pack is being looked at.</source>
        <translation>正在查看模型包。</translation>
    </message>
    <message>
        <source>Closed set: any attack was on one of those that are asked</source>
        <translation>封闭集合：如有攻击，受害模型必是被询问的模型之一</translation>
    </message>
    <message>
        <source>If you hold every model that can have been attacked: “none of these” is then no answer, and the right one is named at least as often. If you are not sure, leave it open.</source>
        <translation>如果可能受到攻击的模型全都在您手里：这时不再回答“都不是”，指认正确的机会不会减少。如果不能肯定，请不要勾选。</translation>
    </message>
    <message>
        <source>A case keeps to the victims that it began with.</source>
        <translation>案卷始终使用开始时的那些受害模型。</translation>
    </message>
    <message>
        <source>Victims ({pattern})</source>
        <translation>受害模型 ({pattern})</translation>
    </message>
    <message>
        <source>Hand over a victim</source>
        <translation>提交一个受害模型</translation>
    </message>
</context>
<context>
    <name>VictimsPage</name>
    <message>
        <source>Victims</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>The pack will tell these models apart by the adversarial images made against them. They are trained here on the clean images, or brought along as they are in use; two of one architecture need names.</source>
        <translation>模型包将根据针对这些模型生成的对抗图像来区分它们。它们可以在此用干净图像训练，也可以直接带入正在使用的模型；同一架构的两个模型需要命名。</translation>
    </message>
    <message>
        <source>Architecture or file</source>
        <translation>架构或文件</translation>
    </message>
    <message>
        <source>Passes, or accuracy</source>
        <translation>遍数或准确率</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Bring your own…</source>
        <translation>带入自己的…</translation>
    </message>
    <message>
        <source>Edit…</source>
        <translation>编辑…</translation>
    </message>
    <message>
        <source>Table 1&apos;s five</source>
        <translation>表 1 的五个</translation>
    </message>
    <message>
        <source>not measured</source>
        <translation>未测量</translation>
    </message>
    <message>
        <source>The paper&apos;s five, then others of torchvision&apos;s, the small ones first.</source>
        <translation>先是论文的五个，然后是 torchvision 的其他网络，由小到大。</translation>
    </message>
    <message>
        <source>as the architecture</source>
        <translation>与架构同名</translation>
    </message>
    <message>
        <source>At least one victim is needed.</source>
        <translation>至少需要一个受害模型。</translation>
    </message>
    <message>
        <source>{name}: names have letters, digits, dots and dashes, at most 64.</source>
        <translation>{name}：名称只能包含字母、数字、点和连字符，最多 64 个字符。</translation>
    </message>
    <message>
        <source>Two victims have the same name.</source>
        <translation>两个受害模型同名。</translation>
    </message>
    <message>
        <source>&quot;clean&quot; is the name of images that nobody attacked.</source>
        <translation>“clean”是未受攻击图像的名称。</translation>
    </message>
    <message>
        <source>The images have no classes to train a victim with: remove those that are not your own.</source>
        <translation>图像没有类别，无法训练受害模型：请移除不是自己带入的模型。</translation>
    </message>
    <message>
        <source>{name} cannot be trained on images of {side} pixels: it takes {least} or more.</source>
        <translation>{name} 不能用边长 {side} 像素的图像训练：至少需要 {least}。</translation>
    </message>
    <message>
        <source>{name} was not checked on these images yet: edit it.</source>
        <translation>{name} 尚未在这些图像上检查：请编辑它。</translation>
    </message>
    <message>
        <source>With a single victim the pack has nobody to tell apart; the class &quot;clean&quot; is then needed.</source>
        <translation>只有一个受害模型时没有可区分的对象；此时需要“干净”类别。</translation>
    </message>
</context>
<context>
    <name>Viewer</name>
    <message>
        <source>Heatmap opacity</source>
        <translation>热图不透明度</translation>
    </message>
    <message>
        <source>Gain of signed values</source>
        <translation>有符号值的增益</translation>
    </message>
    <message>
        <source>Fit the gain to each picture</source>
        <translation>使增益适合每幅图像</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>适合</translation>
    </message>
    <message>
        <source>Colour map of the heatmap</source>
        <translation>热图的色图</translation>
    </message>
    <message>
        <source>Colour map of signed values</source>
        <translation>有符号值的色图</translation>
    </message>
    <message>
        <source>Pixel under the pointer</source>
        <translation>指针处的像素</translation>
    </message>
    <message>
        <source>Zoom</source>
        <translation>缩放</translation>
    </message>
    <message>
        <source>Opacity</source>
        <translation>不透明度</translation>
    </message>
    <message>
        <source>Gain</source>
        <translation>增益</translation>
    </message>
    <message>
        <source>Point at a pixel to read its values.</source>
        <translation>将指针移到像素上可读取数值。</translation>
    </message>
    <message>
        <source>fit</source>
        <translation>适合</translation>
    </message>
</context>
<context>
    <name>Viewing</name>
    <message>
        <source>Loading…</source>
        <translation>正在加载…</translation>
    </message>
    <message>
        <source>No heatmap: this machine has not the pack {pack} of the case.</source>
        <translation>没有热图：这台机器上没有案卷的模型包 {pack}。</translation>
    </message>
    <message>
        <source>No heatmap: judged again, the image gets another answer than the one that is kept.</source>
        <translation>无热力图：重新判断后，该图像得到的答案与保存的不同。</translation>
    </message>
</context>
<context>
    <name>Wizard</name>
    <message>
        <source>Default: full resolution, made for 8-bit images</source>
        <translation>默认：全分辨率，为 8 位图像设计</translation>
    </message>
    <message>
        <source>Small: the default at half the width, for a first try</source>
        <translation>小型：默认网络的一半宽度，适合初次试用</translation>
    </message>
    <message>
        <source>The paper&apos;s, on ResNet50</source>
        <translation>论文网络，基于 ResNet50</translation>
    </message>
    <message>
        <source>The paper&apos;s, on ResNet18</source>
        <translation>论文网络，基于 ResNet18</translation>
    </message>
    <message>
        <source>attack</source>
        <translation>攻击</translation>
    </message>
    <message>
        <source>victim</source>
        <translation>受害模型</translation>
    </message>
    <message>
        <source>hyperparameter</source>
        <translation>超参数</translation>
    </message>
</context>
</TS>
